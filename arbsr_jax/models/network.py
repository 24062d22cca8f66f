"""The one network class: teacher, student and every row of the paper's Table 1 are configs of it."""

from __future__ import annotations

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Literal, jaxpr_as_fun
from jaxtyping import Array, ArrayLike, Float

from arbsr_jax.compilation import own_settings
from arbsr_jax.imaging.grid import Grid, make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.kernels.conv3x3 import DEFAULTS, ConvOptions
from arbsr_jax.kernels.field_sum import CORNERS
from arbsr_jax.models.adaption import FeatureAdaption, MaskConv
from arbsr_jax.models.backbones import backbone_block
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.experts import ExpertUpsampling
from arbsr_jax.models.extent import WHOLE, Extent
from arbsr_jax.models.field import FieldUpsampling
from arbsr_jax.models.hyper import PhaseTable
from arbsr_jax.models.layers import RGB_MEAN, Conv1x1, Conv3x3, NoTail, PointwiseTail, Tail
from arbsr_jax.models.liif import WIDTH, ImplicitUpsampling
from arbsr_jax.models.meta import COLOURS, MetaUpsampling
from arbsr_jax.models.parameters import Parameters
from arbsr_jax.models.upsampling import BicubicUpsampling, PixelShuffleUpsampling, ScaleAwareUpsampling, Upsampler
from arbsr_jax.typing import Features

GENERATOR = "rbg"  # of random numbers


class SRNetwork(nn.Module):
    """Mean shift, head, backbone blocks with feature adaption after every K, body conv, skip, upsampler, tail.

    Attributes:
      config: the parts and their sizes.
      dtype: of the backbone; the parameters come from `cast_parameters`.
      options: how convs are computed.
      mask_conv: the convs of masks: `NormalizedConv3x3` in training.
    """

    config: ModelConfig
    dtype: jnp.dtype | type = jnp.float32
    options: ConvOptions = DEFAULTS
    mask_conv: MaskConv = Conv3x3

    def setup(self) -> None:
        """The layers, named as in model files."""
        config, options = self.config, self.options
        self.head = Conv3x3(config.channels, options)
        self.block = [backbone_block(config, options) for _ in range(config.blocks)]
        if config.adaption != "none":
            parts = config.channels, config.adaption, config.scale_input, options, self.mask_conv
            self.adaption = [FeatureAdaption(*parts) for _ in range(config.adaptions)]
        if config.backbone == "rdn":  # a second conv before the blocks, and what fuses the results of all
            self.shallow, self.fuse = Conv3x3(config.channels, options), Conv1x1(config.channels)
        self.body_conv = Conv3x3(config.channels, options)
        self.upsampler = upsampler_of(config, options)
        if config.upsampler in ("field", "meta"):
            self.tail = NoTail()
        else:
            self.tail = (PointwiseTail if config.upsampler == "implicit" else Tail)(hr_channels(config), 3)

    def __call__(
        self, image: Float[ArrayLike, "batch height width 3"], grid: Grid
    ) -> tuple[Float[Array, "batch rows columns 3"], dict[str, list[Array]]]:
        """Super-resolve LR images onto the canvas of a grid.

        Args:
          image: LR images, RGB in 0..255.
          grid: positions of all HR pixels, with the scale; its canvas is no smaller than the LR size times the scale.

        Returns:
          HR images in 0..255 (not clipped), and named intermediates: "features" after every K blocks (after
          adaption: F_fuse of Eq. 3) and "masks", one for each masked adaption.
        """
        x, intermediates = self.encode(image, grid.scale)
        return self.from_taps(self._taps(*self.upsampler.whole(x, grid)), Extent.of_canvas(grid)), intermediates

    def encode(
        self, image: Float[ArrayLike, "batch height width 3"], scale: Float[ArrayLike, "2"], extent: Extent = WHOLE
    ) -> tuple[Features, dict[str, list[Array]]]:
        """LR features of images of an extent, for a scale (r_v, r_h), and the intermediates of `__call__`."""
        config = self.config
        image = jnp.asarray(image)
        head = self.head((image - RGB_MEAN).astype(self.dtype), extent)
        x = self.shallow(head, extent) if config.backbone == "rdn" else head
        blocks, features, masks = [], [], []
        for index, block in enumerate(self.block, start=1):
            x = block(x, extent)
            if index % config.interval == 0:
                if config.adaption != "none":
                    x, mask = self.adaption[len(features)](x, scale, extent)
                    masks += [] if mask is None else [mask]
                features.append(x)
            blocks.append(x)
        if config.backbone == "rdn":
            x = self.fuse(jnp.concatenate(blocks, axis=-1))
        x = self.upsampler.at_lr(head + self.body_conv(x, extent), image, extent)
        return x, {"features": features, "masks": masks}

    def decode(
        self, features: Features, extent: Extent, grid: Grid, table: PhaseTable | None = None
    ) -> Float[Array, "batch rows columns 3"]:
        """HR images in 0..255 (not clipped) of LR features of an extent; `table` is as of `phase_table`."""
        return self.from_taps(self.taps(features, extent, grid, table), Extent.of_canvas(grid))

    def phase_table(self, grid: Grid) -> PhaseTable | None:
        """The outputs of the upsampler's heads for the phases of a grid; None if it has no heads."""
        return self.upsampler.phase_table(grid)

    def taps(
        self, features: Features, extent: Extent, grid: Grid, table: PhaseTable | None = None
    ) -> Float[Array, "batch rows columns any_taps"]:
        """`decode` up to every HR pixel's taps for the last conv: no pixel needs another yet."""
        return self._taps(*self.upsampler(features, extent, grid, table))

    def _taps(self, x: Features, pointwise: Any) -> Array:
        return self.tail.taps(x.astype(jnp.float32), pointwise)

    def from_taps(
        self, taps: Float[Array, "batch rows columns any_taps"], extent: Extent = WHOLE
    ) -> Float[Array, "batch rows columns 3"]:
        """HR images in 0..255 (not clipped), from taps of an extent."""
        return self.tail(taps, extent) + RGB_MEAN


def upsampler_of(config: ModelConfig, options: ConvOptions = DEFAULTS) -> Upsampler:
    """The part between LR and HR features."""
    if config.upsampler == "pixel_shuffle":
        return PixelShuffleUpsampling(config.channels, config.scale, options)
    if config.upsampler == "bicubic":
        return BicubicUpsampling()
    if config.upsampler == "experts":
        return ExpertUpsampling(config.channels)
    if config.upsampler == "implicit":
        return ImplicitUpsampling(options)
    if config.upsampler == "field":
        return FieldUpsampling(config.basis, config.hidden, config.hidden_layers, options)
    if config.upsampler == "meta":
        return MetaUpsampling(config.channels)
    return ScaleAwareUpsampling(config.channels, config.scale_input, config.kernel_size)


def phase_values(config: ModelConfig) -> int:
    """How many values a phase table has for each pair of phases; 0 if there is none."""
    if config.upsampler == "field":
        return len(CORNERS) * (config.basis + 1)
    return sum(length for length, _ in upsampler_of(config).heads.values())


def lr_channels(config: ModelConfig) -> int:
    """Channels between encoding and decoding."""
    return 3 * (config.basis + 1) if config.upsampler == "field" else config.channels


def hr_channels(config: ModelConfig) -> int:
    """Channels between upsampler and tail, or values of an HR pixel that are alive before it if those are more."""
    by_upsampler = {"implicit": WIDTH, "field": COLOURS, "meta": (COLOURS + 1) * 9 * config.channels}
    return by_upsampler.get(config.upsampler, config.channels)


def initialize(config: ModelConfig, seed: int) -> Parameters:
    """Fresh parameters. They depend on the seed and the config, not on any image or scale.

    They are drawn array by array, alike ones by the same small program: one program for all of them takes minutes to
    compile for RCAN. XLA's own generator draws them: JAX's default one takes longer.
    """
    program, shapes = _drawing(config)
    with own_settings():
        unused = [np.zeros(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(_inputs(config))]
        leaves = jaxpr_as_fun(program)(jax.random.key(seed, impl=GENERATOR), *unused)
    return jax.tree.unflatten(jax.tree.structure(shapes), leaves)


def parameter_shapes(config: ModelConfig) -> Parameters:
    """Shapes and dtypes of the parameters, without computing any."""
    return jax.tree.map(lambda leaf: leaf, _drawing(config)[1])  # a copy: trees can be changed


@functools.cache
def _drawing(config: ModelConfig) -> tuple[ClosedJaxpr, Parameters]:
    """What makes parameters of a random key, without all that flax computes beside them; and their shapes."""
    with own_settings():
        key = jax.eval_shape(lambda: jax.random.key(0, impl=GENERATOR))
        trace = jax.make_jaxpr(lambda *given: SRNetwork(config).init(*given)["params"], return_shape=True)
        program, shapes = trace(key, *_inputs(config))
    wanted, needed = set(program.jaxpr.outvars), []
    for equation in reversed(program.jaxpr.eqns):
        if not wanted.isdisjoint(equation.outvars):
            needed.append(equation)
            wanted.update(value for value in equation.invars if not isinstance(value, Literal))
    return program.replace(jaxpr=program.jaxpr.replace(eqns=needed[::-1])), shapes


def _inputs(config: ModelConfig) -> tuple[jax.ShapeDtypeStruct, Grid]:
    """Shapes of some image and its grid, as a network is called with."""
    scale = Scale.of(config.scale or 2)
    grid = make_grid(scale, scale.output_size(4, 4))
    return jax.eval_shape(lambda *arrays: arrays, np.zeros((1, 4, 4, 3), np.float32), grid)
