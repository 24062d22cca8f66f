"""HR pixels as sums over the four LR pixels around them, cell by cell: of whole images, for training.

    HR(y, x) = sum over LR pixels (i, j) around (y, x) and over m of coefficients[i, j, :, m] * basis[phase, corner, m]

The basis depends on the phase. Corners are (above, left), (above, right), (below, left), (below, right).
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from arbsr_jax.imaging.grid import Grid, Phases
from arbsr_jax.kernels.sampling import spread

CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))  # LR pixels down and to the right of the one above and left

Coefficients = Float[Any, "batch height width channels_terms"]
Basis = Float[Any, "phases_v phases_h 4 terms"]


def field_cells(
    coefficients: Coefficients, basis: Basis, grid: Grid, per_cell: tuple[int, int]
) -> Float[Array, "batch rows columns channels"]:
    """The HR pixels of a whole image that fills its array, cell by cell: one matrix product for each.

    A cell lies between four LR pixels. Coefficients are read once a cell, not once an HR pixel.

    Args:
      coefficients: of LR pixels, channels before terms.
      basis: for every pair of phases.
      grid: of the HR pixels.
      per_cell: the most HR rows and columns that a cell has: both factors rounded up.
    """
    (batch, height, width, _), terms = coefficients.shape, basis.shape[-1]
    padded = jnp.pad(coefficients, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    padded = padded.transpose(1, 2, 0, 3).reshape(height + 2, width + 2, -1, terms)
    corners = [padded[down : down + height + 1, right : right + width + 1] for down, right in CORNERS]
    rows = _cells_of(grid.rows, height, per_cell[0])
    columns = _cells_of(grid.columns, width, per_cell[1])
    spread_basis: Any = spread(spread(basis, columns[0], 1), rows[0], 0)
    shape = (height + 1, per_cell[0], width + 1, per_cell[1], -1)
    matrices = spread_basis.reshape(shape).transpose(0, 2, 4, 1, 3).reshape(height + 1, width + 1, 4 * terms, -1)
    pixels: Any = jnp.matmul(jnp.concatenate(corners, axis=-1), matrices)
    pixels = pixels.reshape(height + 1, width + 1, batch, -1, *per_cell).transpose(2, 0, 4, 1, 5, 3)
    pixels = pixels.reshape(batch, (height + 1) * per_cell[0], (width + 1) * per_cell[1], -1)
    return spread(spread(pixels, rows[1], 1), columns[1], 2)


def first_of(axis: Phases) -> Int[Array, "length"]:
    """For every HR pixel of an axis the LR pixel before it: -1 before the first."""
    below = jnp.floor(jnp.asarray(axis.relative)).astype(jnp.int32)
    return axis.base + jnp.take(below, axis.phase)


def _cells_of(axis: Phases, length: int, most: int) -> tuple[Int[Array, "slots"], Int[Array, "pixels"]]:
    """The phases of the `most` places in each of `length` + 1 cells, and the place of every HR pixel."""
    cells = first_of(axis) + 1
    start = jnp.searchsorted(cells, jnp.arange(length + 1), side="left").astype(jnp.int32)
    pixel = jnp.clip(start[:, None] + jnp.arange(most)[None], 0, len(cells) - 1)
    slot = jnp.minimum(jnp.arange(len(cells)) - jnp.take(start, cells), most - 1)
    return jnp.take(axis.phase, pixel.reshape(-1)), cells * most + slot
