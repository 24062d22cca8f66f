"""The one network class: teacher, student and every row of the paper's Table 1 are configs of it."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.edsr import ResBlock
from arbsr_jax.models.experts import ExpertUpsampling
from arbsr_jax.models.layers import RGB_MEAN, Conv3x3, Tail
from arbsr_jax.models.rcan import ResidualGroup
from arbsr_jax.models.scale_aware import FeatureAdaption
from arbsr_jax.models.upsampling import BicubicUpsampling, PixelShuffleUpsampling, ScaleAwareUpsampling
from arbsr_jax.ops.geometry import Grid, Scale, make_grid

Parameters = dict[str, Any]


class SRNetwork(nn.Module):
    """Mean shift, head, backbone blocks with feature adaption after every K, body conv, skip, upsampler, tail."""

    config: ModelConfig
    dtype: jnp.dtype = jnp.float32  # of the backbone; give it parameters from `cast_parameters`

    @nn.compact
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
        config = self.config
        head = Conv3x3(config.channels, name="head")((image - RGB_MEAN).astype(self.dtype))
        x, features, masks = head, [], []
        for index in range(config.blocks):
            x = self._block(index)(x)
            if (index + 1) % config.interval:
                continue
            if config.adaption != "none":
                place = len(features)
                x, mask = FeatureAdaption(config.channels, config.adaption, name=f"adaption_{place}")(x, grid.scale)
                masks += [] if mask is None else [mask]
            features.append(x)
        x = head + Conv3x3(config.channels, name="body_conv")(x)
        x, pointwise = self._upsampler()(x, grid)
        sr = Tail(3, name="tail")(x.astype(jnp.float32), pointwise)
        return sr + RGB_MEAN, {"features": features, "masks": masks}

    def _block(self, index: int) -> nn.Module:
        config, name = self.config, f"block_{index}"
        if config.backbone == "edsr":
            return ResBlock(config.channels, config.res_scale, name=name)
        return ResidualGroup(config.channels, config.group_blocks, config.reduction, name=name)

    def _upsampler(self) -> nn.Module:
        config = self.config
        if config.upsampler == "pixel_shuffle":
            return PixelShuffleUpsampling(config.channels, config.scale, name="upsampler")
        if config.upsampler == "bicubic":
            return BicubicUpsampling(name="upsampler")
        if config.upsampler == "experts":
            return ExpertUpsampling(config.channels, name="upsampler")
        return ScaleAwareUpsampling(config.channels, name="upsampler")


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

    XLA's own generator draws them: on CPU, JAX's default one takes half a minute to compile.
    """
    scale = Scale.of(config.scale or 2)
    image = np.zeros((1, 4, 4, 3), np.float32)
    grid = make_grid(scale, scale.output_size(4, 4))
    return jax.jit(SRNetwork(config).init)(jax.random.key(seed, impl="rbg"), image, grid)["params"]


def parameter_shapes(config: ModelConfig) -> Parameters:
    """Shapes and dtypes of the parameters, without computing any."""
    return jax.eval_shape(lambda: initialize(config, seed=0))


def count_parameters(parameters: Parameters) -> int:
    """Number of trainable values (the mean shift is a constant and not among them)."""
    return sum(leaf.size for leaf in jax.tree.leaves(parameters))
