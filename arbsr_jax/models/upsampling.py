"""From LR features to features on the HR canvas: scale-aware (Section 3.2.2), pixel shuffle, or bicubic.

Each gives the features, and kernel and bias of a 1x1 conv that the tail is still to compute, or None.
"""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from arbsr_jax.models.area import WHOLE, Area
from arbsr_jax.models.hyper import Heads, PhaseTable, over_phases, phase_inputs
from arbsr_jax.models.layers import Conv3x3, Pointwise, pixel_shuffle
from arbsr_jax.ops.geometry import Grid
from arbsr_jax.ops.sampling import bicubic_upsample, sample_at_offsets, to_canvas

PointwiseConv = tuple[Float[Array, "channels channels"], Float[Array, "channels"]]


def identity_kernel1x1(key: Array, shape: tuple[int, int], dtype: jnp.dtype) -> Float[Array, "channels channels"]:
    """A 1x1 conv that hands every channel through."""
    del key
    return jnp.eye(*shape, dtype=dtype)


class ScaleAwareUpsampling(nn.Module):
    """Sampling at learned offsets, then a learned kernel and bias, each made from scale and phase; then a 1x1 conv.

    It starts as plain bilinear interpolation, so that a pretrained tail can go on from there. The 1x1 conv is left to
    the tail, which computes both convs as one.
    """

    channels: int

    @property
    def heads(self) -> Heads:
        """Of the hypernetwork."""
        of_channels = {"kernel": (self.channels, nn.initializers.ones), "bias": (self.channels, nn.initializers.zeros)}
        return {**of_channels, "offset": (2, nn.initializers.zeros)}

    def setup(self) -> None:
        """The hypernetwork, and the 1x1 conv."""
        self.hyper, self.mix = over_phases()(self.heads), Pointwise(self.channels, identity_kernel1x1)

    def phase_table(self, grid: Grid) -> PhaseTable:
        """Kernel, bias and offset for every pair of phases: once each, not for every pixel."""
        return self.hyper(phase_inputs(grid.scale, grid))

    def __call__(
        self,
        x: Float[Array, "batch height width channels"],
        grid: Grid,
        area: Area = WHOLE,
        table: PhaseTable | None = None,
    ) -> tuple[Float[Array, "batch rows columns channels"], PointwiseConv]:
        """Features on the canvas of `grid`, and the conv to come; `table` is of the grid, where it is known."""
        table = self.phase_table(grid) if table is None else table
        x = sample_at_offsets(x, table["offset"], grid, area.size_in(x))
        kernel, bias = (to_canvas(table[name].astype(x.dtype), grid)[None] for name in ("kernel", "bias"))
        return x * kernel + bias, self.mix()


def shuffle_factors(scale: int) -> list[int]:
    """The factors of the pixel shuffles that make up an integer scale: 3 once, or 2 repeatedly."""
    return [3] if scale == 3 else [2] * (scale.bit_length() - 1)


class PixelShuffleUpsampling(nn.Module):
    """The scale-specific upsampler of EDSR and RCAN: conv and pixel shuffle, by 3 once or by 2 repeatedly."""

    channels: int
    scale: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch height width channels"], grid: Grid, area: Area = WHOLE
    ) -> tuple[Float[Array, "batch rows columns channels"], None]:
        """Features enlarged by `scale`; `grid` must be of that scale."""
        for index, factor in enumerate(shuffle_factors(self.scale)):
            x = pixel_shuffle(Conv3x3(factor**2 * self.channels, name=f"conv_{index}")(area.clear(x)), factor)
            area = area.times(factor)
        if x.shape[1:3] != grid.canvas:
            raise ValueError(f"a x{self.scale} network makes {x.shape[1:3]} here, not the canvas {grid.canvas}")
        return x, None


class BicubicUpsampling(nn.Module):
    """Bicubic interpolation of features (Table 1, row 1); no parameters."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch height width channels"], grid: Grid, area: Area = WHOLE
    ) -> tuple[Float[Array, "batch rows columns channels"], None]:
        """Features on the canvas of `grid`."""
        return bicubic_upsample(x, grid, area.size_in(x)), None
