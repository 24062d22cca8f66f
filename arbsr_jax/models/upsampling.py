"""From LR features to features on the HR canvas: scale-aware (Section 3.2.2), pixel shuffle, or bicubic.

All upsamplers are called alike, with (x, extent, grid, table). They return the features, and kernel and bias of a
1x1 conv that the tail computes together with its own, or None.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from arbsr_jax.imaging.grid import Grid
from arbsr_jax.kernels.conv3x3 import DEFAULTS, ConvOptions
from arbsr_jax.kernels.sampling import bicubic_upsample, sample_at_offsets, to_canvas
from arbsr_jax.kernels.winograd import add_all
from arbsr_jax.models.extent import WHOLE, Extent
from arbsr_jax.models.hyper import Heads, PhaseTable, encode_scale, over_phases, phase_inputs
from arbsr_jax.models.layers import Conv3x3, Pointwise, pixel_shuffle
from arbsr_jax.typing import Features

HRFeatures = Float[Array, "batch rows columns any_channels"]
PointwiseConv = tuple[Float[Any, "channels channels"], Float[Any, "channels"]]


def identity_kernel1x1(
    key: Array, shape: tuple[int, ...], dtype: jnp.dtype | type
) -> Float[Array, "channels channels"]:
    """A 1x1 conv that hands every channel through."""
    del key
    return jnp.eye(*shape, dtype=dtype)


def identity_taps(key: Array, shape: tuple[int, ...], dtype: jnp.dtype | type, taps: int) -> Float[Array, "values"]:
    """The bias of a head for `taps` taps of every channel: 1 for the middle tap, 0 for the others."""
    del key
    return jnp.repeat((jnp.arange(taps) == taps // 2).astype(dtype), shape[0] // taps)


class Upsampler(nn.Module):
    """What upsamplers have in common; those without heads have no phase table."""

    @property
    def heads(self) -> Heads:
        """Of the hypernetwork, if there is one."""
        return {}

    def at_lr(self, x: Features, image: Float[Array, "batch height width 3"], extent: Extent) -> Features:
        """What is computed at LR resolution, once for all HR pixels, of features and LR images; here nothing."""
        del image, extent
        return x

    def phase_table(self, grid: Grid) -> PhaseTable | None:
        """The heads' outputs for every pair of phases of a grid: once each, not for every pixel."""
        del grid
        return None

    def whole(self, x: Features, grid: Grid) -> tuple[HRFeatures, PointwiseConv | None]:
        """The upsampler called on images that fill their arrays, as in training, and all their HR pixels."""
        return self(x, WHOLE, grid)


class ScaleAwareUpsampling(Upsampler):
    """Sampling at learned offsets, then a learned kernel and bias, each predicted from scale and phase; a 1x1 conv.

    It starts as plain bilinear interpolation, so that a pretrained tail can go on from there.
    """

    channels: int
    scale_input: str = "factor"
    kernel_size: int = 1

    @property
    def heads(self) -> Heads:  # noqa: D102 (see Upsampler)
        taps = self.kernel_size**2
        kernel = taps * self.channels, partial(identity_taps, taps=taps)
        return {"kernel": kernel, "bias": (self.channels, nn.initializers.zeros), "offset": (2, nn.initializers.zeros)}

    def setup(self) -> None:
        """The hypernetwork, and the 1x1 conv."""
        self.hyper, self.mix = over_phases()(self.heads), Pointwise(self.channels, identity_kernel1x1)

    def phase_table(self, grid: Grid) -> PhaseTable:  # noqa: D102 (see Upsampler)
        return self.hyper(phase_inputs(encode_scale(grid.scale, self.scale_input), grid))

    def __call__(
        self, x: Features, extent: Extent, grid: Grid, table: PhaseTable | None = None
    ) -> tuple[HRFeatures, PointwiseConv]:
        """Features on the canvas of `grid`; `table` is the grid's phase table, if it is known."""
        table = self.phase_table(grid) if table is None else table
        kernels = jnp.split(table["kernel"].astype(x.dtype), self.kernel_size**2, axis=-1)
        reach = self.kernel_size // 2
        steps = itertools.product(range(-reach, reach + 1), repeat=2)  # LR pixels down and to the right
        size, sampled = extent.size_in(x), []
        for step, kernel in zip(steps, kernels, strict=True):
            offset = table["offset"] + np.array(step, np.float32).reshape(1, 1, 2)
            sampled.append(sample_at_offsets(x, offset, grid, size) * to_canvas(kernel, grid)[None])
        return add_all(sampled) + to_canvas(table["bias"].astype(x.dtype), grid)[None], self.mix()


def shuffle_factors(scale: int) -> list[int]:
    """The factors of the pixel shuffles that make up an integer scale: 3 once, or 2 repeatedly."""
    return [3] if scale == 3 else [2] * (scale.bit_length() - 1)


class PixelShuffleUpsampling(Upsampler):
    """The scale-specific upsampler of EDSR and RCAN: conv and pixel shuffle, by 3 once or by 2 repeatedly."""

    channels: int
    scale: int
    options: ConvOptions = DEFAULTS

    @nn.compact
    def __call__(
        self, x: Features, extent: Extent, grid: Grid, table: PhaseTable | None = None
    ) -> tuple[HRFeatures, None]:
        """Features enlarged by `scale`; `grid` must be of that scale."""
        del table
        for index, factor in enumerate(shuffle_factors(self.scale)):
            conv = Conv3x3(factor**2 * self.channels, self.options, name=f"conv_{index}")
            x, extent = pixel_shuffle(conv(x, extent), factor), extent.enlarge(factor)
        if x.shape[1:3] != grid.canvas:
            raise ValueError(f"a x{self.scale} network makes {x.shape[1:3]} here, not the canvas {grid.canvas}")
        return x, None


class BicubicUpsampling(Upsampler):
    """Bicubic interpolation of features (Table 1, row 1); no parameters."""

    @nn.compact
    def __call__(
        self, x: Features, extent: Extent, grid: Grid, table: PhaseTable | None = None
    ) -> tuple[HRFeatures, None]:
        """Features on the canvas of `grid`."""
        del table
        return bicubic_upsample(x, grid, extent.size_in(x)), None
