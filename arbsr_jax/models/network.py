"""The one network class: teacher, student and every row of the paper's Table 1 are configs of it."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from arbsr_jax.models.area import WHOLE, Area
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.edsr import ResBlock
from arbsr_jax.models.experts import ExpertUpsampling
from arbsr_jax.models.hyper import PhaseTable
from arbsr_jax.models.implicit import WIDTH, ImplicitUpsampling
from arbsr_jax.models.layers import RGB_MEAN, Conv3x3, PointwiseTail, Tail
from arbsr_jax.models.rcan import ResidualGroup
from arbsr_jax.models.scale_aware import FeatureAdaption
from arbsr_jax.models.upsampling import BicubicUpsampling, PixelShuffleUpsampling, ScaleAwareUpsampling
from arbsr_jax.ops.geometry import Grid, Scale, make_grid

Parameters = dict[str, Any]
BLOCK = "block_"
DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}  # what backbones can compute in, as people name it


class SRNetwork(nn.Module):
    """Mean shift, head, backbone blocks with feature adaption after every K, body conv, skip, upsampler, tail."""

    config: ModelConfig
    dtype: jnp.dtype = jnp.float32  # of the backbone; give it parameters from `cast_parameters`

    def setup(self) -> None:
        """The layers, named as in model files."""
        config = self.config
        self.head, self.body_conv = Conv3x3(config.channels), Conv3x3(config.channels)
        for index in range(config.blocks):
            setattr(self, f"{BLOCK}{index}", self._block())
        if config.adaption != "none":
            for place in range(config.adaptions):
                setattr(self, f"adaption_{place}", FeatureAdaption(config.channels, config.adaption))
        tail = PointwiseTail if config.pixelwise else Tail
        self.upsampler, self.tail = upsampler_of(config), tail(hr_channels(config), 3)

    def __call__(
        self, image: Float[Array, "batch height width 3"], grid: Grid
    ) -> tuple[Float[Array, "batch rows columns 3"], dict[str, list[Array]]]:
        """Super-resolve LR images onto the canvas of a grid.

        Args:
          image: LR images, RGB in 0..255.
          grid: positions of the HR pixels, with the scale.

        Returns:
          HR images in 0..255 (not clipped), and named intermediates: "features" after every K blocks (after
          adaption: F_fuse of Eq. 3) and "masks", one for each masked adaption.
        """
        x, intermediates = self.encode(image, grid.scale)
        return self.decode(x, grid), intermediates

    def encode(
        self, image: Float[Array, "batch height width 3"], scale: Float[Array, "2"], area: Area = WHOLE
    ) -> tuple[Float[Array, "batch height width channels"], dict[str, list[Array]]]:
        """LR features of images that fill `area`, for a scale (r_v, r_h), and the intermediates of `__call__`."""
        config = self.config
        head = self.head(area.clear((image - RGB_MEAN).astype(self.dtype)))
        x, features, masks = head, [], []
        for index in range(config.blocks):
            x = getattr(self, f"{BLOCK}{index}")(x, area)
            if (index + 1) % config.interval:
                continue
            if config.adaption != "none":
                x, mask = getattr(self, f"adaption_{len(features)}")(x, scale, area)
                masks += [] if mask is None else [mask]
            features.append(x)
        return head + self.body_conv(area.clear(x)), {"features": features, "masks": masks}

    def decode(
        self,
        features: Float[Array, "batch height width channels"],
        grid: Grid,
        area: Area = WHOLE,
        canvas: Area = WHOLE,
        table: PhaseTable | None = None,
    ) -> Float[Array, "batch rows columns 3"]:
        """HR images in 0..255 (not clipped) of LR features that fill `area`.

        `canvas` is what of the grid's canvas is HR image, `table` the grid's `phase_table`, where it is known.
        """
        return self.from_taps(self.taps(features, grid, area, table), canvas)

    def phase_table(self, grid: Grid) -> PhaseTable:
        """What the upsampler's heads give for the phases of a grid; where it has heads."""
        return self.upsampler.phase_table(grid)

    def taps(
        self,
        features: Float[Array, "batch height width channels"],
        grid: Grid,
        area: Area = WHOLE,
        table: PhaseTable | None = None,
    ) -> Float[Array, "batch rows columns 27"]:
        """`decode` up to what every HR pixel gives to its neighbours in the last conv: no pixel needs another yet."""
        x, pointwise = self.upsampler(features, grid, area, *([] if table is None else [table]))
        return self.tail.taps(x.astype(jnp.float32), pointwise)

    def from_taps(
        self, taps: Float[Array, "batch rows columns 27"], canvas: Area = WHOLE
    ) -> Float[Array, "batch rows columns 3"]:
        """HR images in 0..255 (not clipped), of which `canvas` is HR image."""
        return self.tail(taps, canvas) + RGB_MEAN

    def _block(self) -> nn.Module:
        config = self.config
        if config.backbone == "edsr":
            return ResBlock(config.channels, config.res_scale)
        return ResidualGroup(config.channels, config.group_blocks, config.reduction)


def upsampler_of(config: ModelConfig) -> nn.Module:
    """The part between LR and HR features."""
    if config.upsampler == "pixel_shuffle":
        return PixelShuffleUpsampling(config.channels, config.scale)
    if config.upsampler == "bicubic":
        return BicubicUpsampling()
    if config.upsampler == "experts":
        return ExpertUpsampling(config.channels)
    if config.upsampler == "implicit":
        return ImplicitUpsampling()
    return ScaleAwareUpsampling(config.channels)


def phase_values(config: ModelConfig) -> int:
    """How many values the upsampler's heads give for each pair of phases; 0 where there are no heads."""
    return sum(length for length, _ in getattr(upsampler_of(config), "heads", {}).values())


def hr_channels(config: ModelConfig) -> int:
    """Channels between upsampler and tail."""
    return WIDTH if config.upsampler == "implicit" else config.channels


def in_backbone(name: str) -> bool:
    """Whether a part of the network belongs to its backbone: head, blocks, last body conv."""
    return name.startswith(BLOCK) or name in ("head", "body_conv")


def cast_parameters(parameters: Parameters, dtype: jnp.dtype) -> Parameters:
    """Parameters for computing in `dtype`; hypernetworks (positions) and tail (grey levels) stay as they are.

    The tail computes the upsampler's 1x1 conv too.
    """

    def cast(path: tuple, leaf: Array) -> Array:
        names = {entry.key for entry in path}
        stays = names & {"hyper", "tail"} or {"upsampler", "mix"} <= names
        return leaf if stays else leaf.astype(dtype)

    return jax.tree_util.tree_map_with_path(cast, parameters)


def initialize(config: ModelConfig, seed: int) -> Parameters:
    """Fresh parameters. They depend on the seed and the config, not on any image or scale.

    They are drawn array by array, alike ones by the same small program, and nothing else is computed: one program for
    all of them takes minutes to compile for RCAN. XLA's own generator draws them: JAX's default one takes longer.
    """
    return SRNetwork(config).lazy_init(jax.random.key(seed, impl="rbg"), *_inputs(config))["params"]


def parameter_shapes(config: ModelConfig) -> Parameters:
    """Shapes and dtypes of the parameters, without computing any."""
    return jax.eval_shape(SRNetwork(config).init, jax.random.key(0), *_inputs(config))["params"]


def _inputs(config: ModelConfig) -> tuple[jax.ShapeDtypeStruct, Grid]:
    """Shapes of some image and its grid, as a network is called with."""
    scale = Scale.of(config.scale or 2)
    grid = make_grid(scale, scale.output_size(4, 4))
    return jax.eval_shape(lambda *given: given, np.zeros((1, 4, 4, 3), np.float32), grid)


def count_parameters(parameters: Parameters) -> int:
    """Number of trainable values (the mean shift is a constant and not among them)."""
    return sum(leaf.size for leaf in jax.tree.leaves(parameters))
