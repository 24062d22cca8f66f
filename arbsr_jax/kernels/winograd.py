"""3x3 convs and their gradients by Winograd's minimal filtering (Lavin and Gray, CVPR 2016).

F(4, 3) makes 4 results of a filter of length 3 with 6 products instead of 12; along both axes, as F(4x4, 3x3), 36
matrix products stand for the 144 of a 4x4 tile. Exact but for rounding: off by less than 3e-6 of the largest result.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from arbsr_jax.kernels.blocking import SHARED_BLOCK, Blocks

TILE = 4
POINTS = 6
HALO = (POINTS - TILE) // 2  # the zero padding
# Polynomials are multiplied by their values at 0, r/2, -r/2, r, -r and infinity, with r the root of 2: 1 and 2 for r/2
# and r are simpler, but twice as far off on average.
R = np.sqrt(2)
B_T = np.array(
    [
        [1, 0, -2.5, 0, 1, 0],
        [0, -R, -2, R / 2, 1, 0],
        [0, R, -2, -R / 2, 1, 0],
        [0, -R / 2, -0.5, R, 1, 0],
        [0, R / 2, -0.5, -R, 1, 0],
        [0, 1, 0, -2.5, 0, 1],
    ],
    np.float32,
)
G = np.array([[6, 0, 0], [-4, -2 * R, -2], [-4, 2 * R, -2], [1, R, 2], [1, -R, 2], [0, 0, 6]], np.float32)
G /= np.float32(6)
A_T = np.array(
    [[1, 1, 1, 1, 1, 0], [0, R / 2, -R / 2, R, -R, 0], [0, 0.5, 0.5, 2, 2, 0], [0, R / 4, -R / 4, 2 * R, -2 * R, 1]],
    np.float32,
)
# A polynomial's even and odd parts serve a point and its negative; this makes the parts of the two points' values.
PARTS = np.eye(POINTS, dtype=np.float32)
PARTS[1:3, 1:3] = PARTS[3:5, 3:5] = [[0.5, 0.5], [0.5, -0.5]]
# For both axes at once: by column and row of points, for each of the nine taps.
G_TAPS = np.einsum("ai,bj->baij", G, G).reshape(POINTS, POINTS, 9)


def winograd(
    x: Float[Any, "batch height width channels"],
    kernel: Float[Any, "3 3 channels features"],
    block: int = SHARED_BLOCK,
) -> Float[Any, "batch height width features"]:
    """The 3x3 cross-correlation with zero padding 1, filtered along both axes in blocks of `block` values."""
    zero = data_dependent_zero(x)
    kernel = kernel + zero
    taps = kernel.reshape(9, -1)
    kernels = [jnp.matmul(column, taps, precision="highest").reshape(-1, *kernel.shape[2:]) for column in G_TAPS]
    blocks = _blocks_of(x, kernel.shape[-1], block)
    padded = blocks.pad(x, TILE, HALO)

    def of_block(number: Any) -> Any:
        points, shape = _points_of_input(blocks.block(padded, number, TILE, HALO))
        products = (of_column @ matrix for of_column, matrix in zip(points, kernels, strict=True))
        # Rows first: each of them is a block of a product.
        by_row = [jnp.stack(transform_output(list(product))) for product in products]
        results = [part.reshape(TILE, *shape, -1) for part in transform_output(by_row)]
        whole = jnp.stack([jnp.stack([part[i] for part in results], axis=3) for i in range(TILE)], axis=2)
        return whole.reshape(shape[0], shape[1] * TILE, shape[2] * TILE, -1)

    return blocks.map_blocks(of_block, (x.shape[1], x.shape[2]), zero)


def winograd_1d(
    x: Float[Any, "batch height width channels"],
    kernel: Float[Any, "3 3 channels features"],
    block: int = SHARED_BLOCK,
) -> Float[Any, "batch height width features"]:
    """The same for few features: filtered down the rows alone, taps along them.

    18 products stand for the 36 of four rows. Filtering both axes takes half of that again, but in products so thin
    that their transforms cost more.
    """
    channels, features = kernel.shape[2:]
    zero = data_dependent_zero(x)
    taps = jnp.einsum("pi,ijcf->pcjf", G, kernel + zero, precision="highest").reshape(POINTS, channels, -1)
    blocks = _blocks_of(x, features, block)
    padded = blocks.pad(x, TILE, HALO)

    def of_block(number: Any) -> Any:
        by_row = _rows_of_input(blocks.block(padded, number, TILE, HALO))
        _, count, rows, wide, _ = by_row.shape
        width = wide - 2 * HALO
        products = (by_row.reshape(POINTS, -1, channels) @ taps).reshape(POINTS, count, rows, wide, -1)
        summed = add_all(part[:, :, :, j : j + width] for j, part in enumerate(jnp.split(products, 3, axis=-1)))
        return jnp.stack(transform_output(list(summed)), axis=2).reshape(count, rows * TILE, width, features)

    return blocks.map_blocks(of_block, (x.shape[1], x.shape[2]), zero)


def winograd_kernel_gradient(
    x: Float[Any, "batch height width channels"],
    gradient: Float[Any, "batch height width features"],
    block: int = SHARED_BLOCK,
) -> Float[Any, "3 3 channels features"]:
    """The gradient of a conv's kernel, from the conv's input and the gradient of its result."""
    channels, features = x.shape[-1], gradient.shape[-1]
    blocks = _blocks_of(x, features, block)
    images, gradients = blocks.pad(x, TILE, HALO), blocks.pad(gradient, TILE, 0)

    def of_block(number: Any) -> Any:
        points, _ = _points_of_input(blocks.block(images, number, TILE, HALO))
        pairs = zip(points, _points_of_gradient(blocks.block(gradients, number, TILE, 0)), strict=True)
        return jnp.stack([jnp.einsum("atc,atf->acf", *pair) for pair in pairs])

    back = G_TAPS.reshape(POINTS * POINTS, 9).T
    points = blocks.sum_blocks(of_block, data_dependent_zero(gradient)).reshape(POINTS * POINTS, -1)
    return jnp.matmul(back, points, precision="highest").reshape(3, 3, channels, features)


def data_dependent_zero(x: Float[Any, "batch height width channels"]) -> Float[Any, ""]:
    """A zero that has to be computed from images, whatever they hold.

    Kernels grow by half or more: without a bond to x, XLA would make those of all layers before the first of them runs.
    """
    return jnp.fmin(jnp.abs(x[0, 0, 0, 0]), 0)  # fmin: of NaN and 0 it takes 0, so no image touches another


def add_all(parts: Iterable[Float[Any, "..."]]) -> Float[Any, "..."]:
    """The sum of at least one array."""
    return functools.reduce(operator.add, parts)


def transform_input(parts: Sequence[Float[Any, "..."]]) -> list[Float[Any, "..."]]:
    """B_T applied: of six neighbouring pixels their values at the six points."""
    return _to_points(B_T, parts)


def transform_output(points: Sequence[Float[Any, "..."]]) -> list[Float[Any, "..."]]:
    """A_T applied: the four results of the products at the six points."""
    return _mixed(A_T @ PARTS, _pairs(points))


def _to_points(matrix: np.ndarray, parts: Sequence[Any]) -> list[Any]:
    return _pairs(_mixed(PARTS @ matrix, parts))


def _pairs(values: Sequence[Any]) -> list[Any]:
    """Sums and differences: of even and odd parts they are two points' values; of those, twice the parts."""
    first, a, b, c, d, last = values
    return [first, a + b, a - b, c + d, c - d, last]


def _mixed(matrix: np.ndarray, parts: Sequence[Any]) -> list[Any]:
    return [add_all(part * weight for weight, part in zip(row, parts, strict=True) if weight) for row in matrix]


def _blocks_of(x: Any, features: int, block: int) -> Blocks:
    batch, height, width, channels = x.shape
    return Blocks.of(batch, -(-height // TILE), -(-width // TILE), max(channels, features), block)


def _rows_of_input(padded: Any) -> Any:
    """Points of every column, [point, image, row of tiles, column, channel], for rows of TILE pixels each."""
    rows = padded.shape[1] // TILE
    # Every TILE-th row from each of the six first ones on.
    return jnp.stack(transform_input([padded[:, i : i + TILE * (rows - 1) + 1 : TILE] for i in range(POINTS)]))


def _points_of_input(padded: Any) -> tuple[list[Any], tuple[Any, Any, Any]]:
    """For each column of points an array [row of points, tile, channel]; (images, rows, columns) of the tiles."""
    batch, tall, wide, channels = padded.shape
    rows, columns = tall // TILE, wide // TILE
    by_row = _rows_of_input(padded)
    every = [by_row[:, :, :, j : j + TILE * (columns - 1) + 1 : TILE] for j in range(POINTS)]
    points = [part.reshape(POINTS, batch * rows * columns, channels) for part in transform_input(every)]
    return points, (batch, rows, columns)


def _points_of_gradient(padded: Any) -> list[Any]:
    """The way back from results to products, in the order of `_points_of_input`."""
    batch, tall, wide, features = padded.shape
    rows, columns = tall // TILE, wide // TILE
    tiles = padded.reshape(batch, rows, TILE, columns, TILE, features)
    by_row = jnp.stack(_to_points(A_T.T, [tiles[:, :, i] for i in range(TILE)]))
    points = _to_points(A_T.T, [by_row[:, :, :, :, j] for j in range(TILE)])
    return [part.reshape(POINTS, batch * rows * columns, features) for part in points]
