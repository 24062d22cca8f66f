"""HR pixels as sums over the four LR pixels around them, strip by strip of LR rows: for inference.

What an LR pixel gives to the cells around it is one product of its coefficients with the basis at all their HR pixels.
LR pixels of one type share that basis. At integer factors there is one type: this is then a sub-pixel convolution (Shi
et al. 2016) of 2x2 pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from arbsr_jax.imaging.cells import Cells
from arbsr_jax.kernels.sampling import ArraySize

STRIP_BYTES = 2**22  # of LR coefficients, their products and the basis of one strip

BasisRows = Callable[[Int[Any, "rows"], int], Float[Any, "rows phases_h 2 terms"]]
"""The basis at rows of phases, of the two LR pixels above (0) or below (1) an HR pixel, left and right."""


def field_strips(
    coefficients: Float[Any, "batch height width channels_terms"],
    basis_rows: BasisRows,
    cells: tuple[Cells, Cells],
    size: ArraySize,
    terms: int,
    strip_bytes: int = STRIP_BYTES,
) -> Float[Array, "batch rows columns channels"]:
    """The HR pixels of a window, as of `field_sum.field_cells`.

    Args:
      coefficients: of LR pixels, channels before terms.
      basis_rows: the basis; it is asked for few rows at a time if LR rows have no type in common.
      cells: of the HR rows and columns.
      size: (height, width) of the image, if it fills its array only in part. Edge pixels stand for what lies beyond.
      terms: of a sum.
      strip_bytes: that a strip takes, about.
    """
    rows, columns = cells
    batch, channels = len(coefficients), coefficients.shape[-1] // terms
    (_, types, places), (_, column_types, column_places) = rows.phases.shape, columns.phases.shape
    count, width, apart = len(rows.pixels), len(columns.pixels), types == len(rows.pixels)
    products = 4 * places * column_places
    row_bytes = 4 * width * (batch * channels * (terms + products) + apart * products * terms)
    height = max(1, min(count, strip_bytes // row_bytes))
    if not apart:
        height = -(-height // types) * types
    strips = -(-count // height)
    lr_rows = jnp.clip(jnp.asarray(rows.pixels), 0, size[0] - 1)
    lr_rows = jnp.pad(lr_rows, (0, strips * height - count), mode="edge").reshape(strips, height)
    lr_columns = _by_type(jnp.clip(jnp.asarray(columns.pixels), 0, size[1] - 1), column_types)

    def matrices(phases: Any) -> Array:
        """Of types of LR rows, by type: what an LR pixel gives to each place below and above, right and left of it."""
        sides, column = [], jnp.moveaxis(jnp.asarray(columns.phases), 0, 1)[None, :, :, None]
        for down in (0, 1):
            of_rows = basis_rows(phases[down].reshape(-1), down)
            row = jnp.arange(len(of_rows)).reshape(-1, 1, 1, places, 1)
            sides.append(of_rows[row, column, jnp.arange(2).reshape(1, 1, 2, 1, 1)])
        return jnp.stack(sides, axis=2).reshape(-1, column_types, products, terms)

    def strip(above: Array, of_strip: tuple[Array, ...]) -> tuple[Array, Array]:
        lr, *phases = of_strip
        basis: Any = matrices(phases[0]) if apart else shared
        lr = _by_type(lr, len(basis))
        values = coefficients[:, lr[:, None, :, None], lr_columns[None, :, None, :]]
        values = jnp.moveaxis(values, 0, 4).reshape(*basis.shape[:2], -1, terms)
        shares: Any
        if apart:  # what is read once is not turned round first
            shares = jnp.swapaxes(jnp.matmul(basis, jnp.swapaxes(values, 2, 3)), 2, 3)
        else:
            shares = jnp.matmul(values, basis)
        shape = *basis.shape[:2], lr.shape[1], lr_columns.shape[1], batch, channels, 2, 2, places, column_places
        shares = shares.reshape(shape).transpose(2, 0, 3, 1, *range(4, 10)).reshape(height, width, *shape[4:])
        shares = shares[:, :-1, :, :, :, 0] + shares[:, 1:, :, :, :, 1]
        pixels = jnp.concatenate([above, shares[:-1, :, :, :, 0]]) + shares[:, :, :, :, 1]
        pixels = pixels.transpose(2, 0, 4, 1, 5, 3).reshape(batch, height * places, -1, channels)
        return shares[-1:, :, :, :, 0], pixels

    per_strip: tuple[Any, ...] = (lr_rows,)
    if apart:
        of_rows = jnp.pad(rows.phases, ((0, 0), (0, strips * height - count), (0, 0)), mode="edge")
        per_strip = lr_rows, jnp.moveaxis(of_rows.reshape(2, strips, height, places), 1, 0)
    shared = None if apart else jnp.swapaxes(matrices(jnp.asarray(rows.phases)), 2, 3)
    first = jnp.zeros((1, width - 1, batch, channels, places, column_places))
    _, pixels = jax.lax.scan(strip, first, per_strip)
    pixels = jnp.moveaxis(pixels, 0, 1).reshape(batch, strips * height * places, -1, channels)
    # The first rows lie above the first LR row.
    pixels = jnp.take(pixels, rows.slots + places, axis=1, mode="clip")
    return jnp.take(pixels, columns.slots, axis=2, mode="clip")


def _by_type(pixels: Int[Any, "pixels"], types: int) -> Int[Array, "types repeats"]:
    return pixels.reshape(-1, types).T
