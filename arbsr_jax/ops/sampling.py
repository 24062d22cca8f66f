"""Reading LR features at the positions of HR pixels."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from arbsr_jax.ops.geometry import Grid, Phases
from arbsr_jax.ops.resize import cubic


def to_canvas(table: Float[Array, "phases_v phases_h *size"], grid: Grid) -> Float[Array, "rows columns *size"]:
    """A table of values per phase pair, spread to every pixel of the HR canvas."""
    return jnp.take(jnp.take(table, grid.rows.phase, axis=0), grid.columns.phase, axis=1)


def bilinear_sample(
    features: Float[Array, "batch height width channels"],
    rows: tuple[Int[Array, "..."], Float[Array, "rows columns"]],
    columns: tuple[Int[Array, "..."], Float[Array, "rows columns"]],
    *,
    zeros_outside: bool = False,
) -> Float[Array, "batch rows columns channels"]:
    """Features at (rows, columns), bilinearly interpolated; positions beyond the border are clamped to it.

    Args:
      features: LR features.
      rows: vertical positions in LR pixels as whole part, any shape that broadcasts, and remainder (of any size):
        kept apart so that float32 stays exact on large images.
      columns: horizontal positions likewise.
      zeros_outside: instead of clamping, take the image for surrounded by zeros.
    """
    batch, height, width, channels = features.shape
    tap_rows, weight_rows = _taps(*rows, height, zeros_outside=zeros_outside)
    tap_columns, weight_columns = _taps(*columns, width, zeros_outside=zeros_outside)
    flat = features.reshape(batch, height * width, channels)
    shape = weight_rows[0].shape
    result = 0
    for row, row_weight in zip(tap_rows, weight_rows, strict=True):
        for column, column_weight in zip(tap_columns, weight_columns, strict=True):
            values = jnp.take(flat, (row * width + column).reshape(-1), axis=1, mode="clip")
            result += values * (row_weight * column_weight).reshape(1, -1, 1).astype(features.dtype)
    return result.reshape(batch, *shape, channels)


def sample_at_offsets(
    features: Float[Array, "batch height width channels"],
    offset: Float[Array, "phases_v phases_h 2"],
    grid: Grid,
    *,
    zeros_outside: bool = False,
) -> Float[Array, "batch rows columns channels"]:
    """Features at (C(y) + offset, C(x) + offset) of every HR pixel; offsets (rows, columns) in LR pixels, by phase."""
    offset = to_canvas(offset, grid)
    rows = jnp.take(grid.rows.relative, grid.rows.phase)[:, None] + offset[..., 0]
    columns = jnp.take(grid.columns.relative, grid.columns.phase)[None, :] + offset[..., 1]
    rows, columns = (grid.rows.base[:, None], rows), (grid.columns.base[None, :], columns)
    return bilinear_sample(features, rows, columns, zeros_outside=zeros_outside)


def _taps(
    whole: Array, remainder: Array, length: int, *, zeros_outside: bool
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Indices and weights of the two pixels around each position."""
    below = jnp.floor(remainder)
    first = whole + below.astype(whole.dtype)
    weight = remainder - below
    taps, weights = (first, first + 1), (1 - weight, weight)
    inside = tuple(jnp.clip(tap, 0, length - 1) for tap in taps)
    if zeros_outside:
        weights = tuple(jnp.where(tap == kept, w, 0) for tap, kept, w in zip(taps, inside, weights, strict=True))
    return inside, weights


def bicubic_upsample(
    features: Float[Array, "batch height width channels"], grid: Grid
) -> Float[Array, "batch rows columns channels"]:
    """Keys' bicubic interpolation to the HR canvas, borders mirrored: `imresize` for scales above 1, not rounded."""
    return _interpolate_axis(_interpolate_axis(features, grid.rows, 1), grid.columns, 2)


def _interpolate_axis(features: Array, phases: Phases, axis: int) -> Array:
    length = features.shape[axis]
    relative = jnp.take(phases.relative, phases.phase)
    below = jnp.floor(relative)
    result = 0
    for tap in range(-1, 3):
        index = phases.base + below.astype(jnp.int32) + tap
        index = jnp.where(index < 0, -1 - index, jnp.where(index >= length, 2 * length - 1 - index, index))
        weight = cubic(relative - below - tap).astype(features.dtype)
        shape = [-1 if dimension == axis else 1 for dimension in range(features.ndim)]
        result += jnp.take(features, index, axis=axis, mode="clip") * weight.reshape(shape)
    return result
