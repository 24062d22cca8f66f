"""The losses: L = L_SR + lambda * L_transfer (Eq. 7), and output distillation from a network for every scale.

All are in grey levels and features of the 0..255 range. Most of the error against an HR image is texture that no LR
image tells, and so are its gradients; another network's result is a target without it (Hinton et al., "Distilling the
Knowledge in a Neural Network").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from arbsr_jax.imaging.grid import Grid, Phases

Offset = tuple[Int[Any, ""], Int[Any, ""]]
STRIDE = 2  # of the HR pixels on both axes that are compared with a teacher's, if each of them is dear


def reconstruction_loss(
    sr: Float[Any, "batch rows columns 3"],
    hr: Float[Any, "batch rows columns 3"],
    grid: Grid,
    rim: int = 0,
    side: int = 0,
) -> Float[Array, ""]:
    """L_SR: mean absolute error in 0..255 over the HR size; the canvas beyond it does not count.

    Args:
      sr: images on the canvas of `grid`.
      hr: their targets.
      grid: of the HR pixels, with a size.
      rim: HR pixels over the outer so many LR pixels do not count, where a patch lacks what the image has around it.
      side: of the LR patches in pixels, if there is a rim.
    """
    assert grid.size is not None
    rows, columns = (
        (jnp.arange(len(axis.base)) < length) & ((axis.base >= rim) & (axis.base < side - rim) if rim else True)
        for axis, length in zip((grid.rows, grid.columns), grid.size, strict=True)
    )
    error = jnp.where((rows[:, None] & columns[None])[None, :, :, None], jnp.abs(sr - hr), 0)
    return error.sum() / (sr.shape[0] * sr.shape[3] * rows.sum() * columns.sum())


def transfer_loss(
    student: Sequence[Float[Array, "batch height width channels"]],
    teacher: Sequence[Float[Array, "batch height width channels"]],
) -> Float[Array, ""]:
    """L_transfer (Eq. 6): mean absolute difference of features, averaged over the N places that have names."""
    differences = [
        jnp.abs(a.astype(jnp.float32) - b.astype(jnp.float32)).mean() for a, b in zip(student, teacher, strict=True)
    ]
    return jnp.stack(differences).mean()


def output_loss(
    sr: Float[Any, "batch rows columns 3"],
    grid: Grid,
    teacher: Callable[[Grid], Float[Any, "batch some_rows some_columns 3"]],
    step: Int[Any, ""] | None,
    rim: int = 0,
    side: int = 0,
) -> Float[Array, ""]:
    """L_output: mean absolute difference from another network's SR images in 0..255, over the HR size.

    Args:
      sr: the student's images on the canvas of `grid`.
      grid: positions of the HR pixels.
      teacher: the other network's images of the same LR images on the canvas of a grid.
      step: None: all pixels; a step's number: a quarter of them, for networks that compute pixels one by one.
      rim: as of `reconstruction_loss`.
      side: as of `reconstruction_loss`.
    """
    if step is not None:
        sr, grid = some_pixels(sr, grid, step, STRIDE)
    return reconstruction_loss(sr, jnp.clip(teacher(grid), 0, 255), grid, rim, side)


def some_pixels(
    image: Shaped[Any, "batch rows columns channels"], grid: Grid, step: Int[Any, ""], stride: int
) -> tuple[Shaped[Any, "batch fewer_rows fewer_columns channels"], Grid]:
    """Every stride-th row and column of an image and of its grid: those whose turn it is in that step."""
    offset = stride_offset(step, stride)
    return strided(image, offset, stride), strided_grid(grid, offset, stride)


def stride_offset(step: Int[Any, ""], stride: int) -> Offset:
    """The first row and column that is compared; all pixels have had their turn after stride**2 steps."""
    return step % stride, step // stride % stride


def strided_grid(grid: Grid, offset: Offset, stride: int) -> Grid:
    """Every stride-th row and column of a grid, from `offset` on."""
    axes = zip((grid.rows, grid.columns), offset, strict=True)
    rows, columns = (
        Phases(_every(a.base, first, 0, stride), _every(a.phase, first, 0, stride), a.relative) for a, first in axes
    )
    assert grid.size is not None
    size = jnp.minimum((grid.size - jnp.stack(offset) + stride - 1) // stride, jnp.array(grid.canvas) // stride)
    return Grid(rows, columns, grid.scale, size.astype(jnp.int32))


def strided(
    image: Shaped[Any, "batch rows columns channels"], offset: Offset, stride: int
) -> Shaped[Any, "batch fewer_rows fewer_columns channels"]:
    """The pixels of an image on the canvas of `strided_grid`."""
    return _every(_every(image, offset[0], 1, stride), offset[1], 2, stride)


def _every(values: Any, first: Any, axis: int, stride: int) -> Array:
    count = values.shape[axis] // stride
    groups = jax.lax.slice_in_dim(values, 0, count * stride, axis=axis)
    groups = groups.reshape(*values.shape[:axis], count, stride, *values.shape[axis + 1 :])
    return jax.lax.dynamic_index_in_dim(groups, first, axis + 1, keepdims=False)
