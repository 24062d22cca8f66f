"""Imitating the SR images of another network for every scale: targets without what no network could know.

The error against HR images is mostly texture that LR images do not tell, and so are its gradients; against another
network's result they say what is to be learned (Hinton et al., "Distilling the Knowledge in a Neural Network").
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from arbsr_jax.ops.geometry import Grid, Phases
from arbsr_jax.train.losses import reconstruction_loss

Offset = tuple[Int[Array, ""], Int[Array, ""]]
STRIDE = 2  # of the HR pixels that are compared on both axes, where each of them is dear


def imitation_loss(
    sr: Float[Array, "batch rows columns 3"],
    grid: Grid,
    example: Callable[[Grid], Float[Array, "batch some_rows some_columns 3"]],
    thin_at: Int[Array, ""] | None,
) -> Float[Array, ""]:
    """L_imitation: mean absolute difference from another network's SR images in 0..255, over the HR size.

    Args:
      sr: the student's images on the canvas of `grid`.
      grid: positions of the HR pixels.
      example: the other network's images of the same LR images on the canvas of a grid.
      thin_at: None: all pixels; a step number: a quarter of them, which that network can give by themselves.
    """
    if thin_at is not None:
        offset = offset_of(thin_at)
        sr, grid = thinned(sr, offset), thinned_grid(grid, offset)
    return reconstruction_loss(sr, jnp.clip(example(grid), 0, 255), grid.size)


def offset_of(step: Int[Array, ""]) -> Offset:
    """The first row and column that is compared; all pixels have had their turn after four steps."""
    return step % STRIDE, step // STRIDE % STRIDE


def thinned_grid(grid: Grid, offset: Offset) -> Grid:
    """Every second row and column of a grid, from `offset` on."""
    axes = zip((grid.rows, grid.columns), offset, strict=True)
    rows, columns = (Phases(_thin(a.base, first, 0), _thin(a.phase, first, 0), a.relative) for a, first in axes)
    size = jnp.minimum((grid.size - jnp.stack(offset) + STRIDE - 1) // STRIDE, jnp.array(grid.canvas) // STRIDE)
    return Grid(rows, columns, grid.scale, size.astype(jnp.int32))


def thinned(
    image: Float[Array, "batch rows columns 3"], offset: Offset
) -> Float[Array, "batch fewer_rows fewer_columns 3"]:
    """The pixels of an image on the canvas of `thinned_grid`."""
    return _thin(_thin(image, offset[0], 1), offset[1], 2)


def _thin(values: Array, first: Int[Array, ""], axis: int) -> Array:
    count = values.shape[axis] // STRIDE
    pairs = jax.lax.slice_in_dim(values, 0, count * STRIDE, axis=axis)
    pairs = pairs.reshape(*values.shape[:axis], count, STRIDE, *values.shape[axis + 1 :])
    even, odd = (jax.lax.index_in_dim(pairs, n, axis + 1, keepdims=False) for n in range(STRIDE))
    return jnp.where(first == 0, even, odd)
