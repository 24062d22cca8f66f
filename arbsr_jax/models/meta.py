"""Meta-SR's upsampler (Hu et al., "Meta-SR: A Magnification-Arbitrary Network for Super-Resolution", CVPR 2019).

A hypernetwork predicts, for every HR pixel, a 3x3 kernel from the features around an LR pixel to the three colours.
It sees the factor and where the HR pixel begins within its LR pixel: positions are counted from the corner of the
image, so that HR pixel x belongs to LR pixel floor(x / r), not to the one whose centre is nearest.

The paper knows one factor: three inputs. With two, the first input is the mean of 1/r_v and 1/r_h.
"""

from __future__ import annotations

import itertools
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from arbsr_jax.imaging.grid import Grid, Phases
from arbsr_jax.kernels.sampling import to_canvas
from arbsr_jax.kernels.winograd import add_all
from arbsr_jax.models.extent import Extent
from arbsr_jax.models.hyper import Heads, PhaseTable, over_phases
from arbsr_jax.models.layers import uniform_fan_in
from arbsr_jax.models.upsampling import Upsampler

META_WIDTH = 256  # of the fully connected layer
REACH = 1  # LR pixels of the kernel on each side
COLOURS = 3
ROUNDING = 2e-6  # of an LR pixel: by what float32 may miss the beginning of one


class MetaUpsampling(Upsampler):
    """Weight prediction: FC 256, ReLU, and a linear layer to a kernel [channels, 3, 3, colours]."""

    channels: int

    @property
    def heads(self) -> Heads:  # noqa: D102 (see Upsampler)
        return {"kernel": (9 * self.channels * COLOURS, nn.initializers.zeros)}

    def setup(self) -> None:
        """The hypernetwork."""
        self.hyper = over_phases()(self.heads, layers=1, width=META_WIDTH, head_init=uniform_fan_in)

    def phase_table(self, grid: Grid) -> PhaseTable:
        """The kernels; the hypernetwork sees (1/r, offset in rows, offset in columns)."""
        (_, down), (_, right) = corner_phases(grid.rows, grid.scale[0]), corner_phases(grid.columns, grid.scale[1])
        inverse = jnp.mean(1 / jnp.asarray(grid.scale))
        offsets = jnp.meshgrid(down, right, indexing="ij")
        return self.hyper(jnp.stack([jnp.broadcast_to(inverse, offsets[0].shape), *offsets], axis=-1))

    def __call__(
        self,
        x: Float[Array, "batch height width channels"],
        extent: Extent,
        grid: Grid,
        table: PhaseTable | None = None,
    ) -> tuple[Float[Array, "batch rows columns 3"], None]:
        """Colours without the mean, on the canvas of `grid`; beyond the image features are zero."""
        table = self.phase_table(grid) if table is None else table
        kernels = to_canvas(table["kernel"].astype(x.dtype), grid).reshape(*grid.canvas, self.channels, 9, COLOURS)
        axes = zip((grid.rows, grid.columns), grid.scale, extent.size_in(x), strict=True)
        rows, columns = (list(_neighbours(*axis)) for axis in axes)
        flat, parts = x.reshape(len(x), -1, self.channels), []
        for tap, ((row, in_rows), (column, in_columns)) in enumerate(itertools.product(rows, columns)):
            seen = jnp.take(flat, row[:, None] * x.shape[2] + column[None, :], axis=1, mode="clip")
            seen = seen * (in_rows[:, None] & in_columns[None, :])[None, :, :, None]
            parts.append(jnp.einsum("brcf,rcfo->brco", seen, kernels[..., tap, :]))
        return add_all(parts), None


def corner_phases(axis: Phases, factor: Any) -> tuple[Int[Array, "phases"], Float[Array, "phases"]]:
    """For every phase floor(x / r) - `Phases.base`, which is 0 or -1, and x / r - floor(x / r)."""
    begin = jnp.asarray(axis.relative) + (1 - 1 / factor) / 2
    below = jnp.floor(begin + ROUNDING)
    return below.astype(jnp.int32), jnp.maximum(begin - below, 0)


def _neighbours(axis: Phases, factor: Any, length: Any) -> Any:
    """The LR pixels before, at and after those of every HR pixel, and whether they are in the image."""
    below, _ = corner_phases(axis, factor)
    pixel = axis.base + jnp.take(below, axis.phase)
    for step in range(-REACH, REACH + 1):
        place = jnp.clip(pixel + step, 0, length - 1)
        yield place, place == pixel + step
