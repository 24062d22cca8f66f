"""3x3 convs and their gradients by Winograd's minimal filtering F(4, 3) (Lavin and Gray, CVPR 2016).

6 products make 4 results of a filter of length 3, so that 36 matrix products stand for the 144 of a 4x4 tile. Exact but
for rounding.
"""

from __future__ import annotations

from collections.abc import Iterable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from arbsr_jax.models.bands import Bands

TILE = 4
POINTS = 6
AROUND = (POINTS - TILE) // 2  # the zero padding
OF_INPUT = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    np.float32,
)
OF_KERNEL = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], np.float32) / 24
# For both axes at once: by column and row of points, for each of the nine taps.
OF_TAPS = np.einsum("ai,bj->baij", OF_KERNEL, OF_KERNEL).reshape(POINTS, POINTS, 9)
OF_RESULT = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], np.float32)


def winograd(
    x: Float[Array, "batch height width channels"], kernel: Float[Array, "3 3 channels features"]
) -> Float[Array, "batch height width features"]:
    """The 3x3 cross-correlation with zero padding 1."""
    # Kernels grow by four: without a bond to x, XLA would make those of all layers before the first of them runs.
    zero = _zero_of(x)
    kernel = kernel + zero
    taps = kernel.reshape(9, -1)
    kernels = [jnp.matmul(column, taps, precision="highest").reshape(-1, *kernel.shape[2:]) for column in OF_TAPS]
    bands = _bands(x, kernel.shape[-1])
    images = bands.prepared(x, TILE, AROUND)

    def of_band(band: Array) -> Array:
        points, shape = _points_of_input(bands.part(images, band, TILE, AROUND))
        products = (of_column @ matrix for of_column, matrix in zip(points, kernels, strict=True))
        # Rows first: each of them is a block of a product.
        by_row = [jnp.stack(_mixed(OF_RESULT, product)) for product in products]
        results = [part.reshape(TILE, *shape, -1) for part in _mixed(OF_RESULT, by_row)]
        whole = jnp.stack([jnp.stack([part[i] for part in results], axis=3) for i in range(TILE)], axis=2)
        return whole.reshape(shape[0], shape[1] * TILE, shape[2] * TILE, -1)

    return bands.joined(of_band, x.shape[1:3], zero)


def winograd_of_kernel(
    x: Float[Array, "batch height width channels"], gradient: Float[Array, "batch height width features"]
) -> Float[Array, "3 3 channels features"]:
    """The gradient of a kernel, from what it was applied to and the gradient of what came out."""
    channels, features = x.shape[-1], gradient.shape[-1]
    bands = _bands(x, features)
    images, gradients = bands.prepared(x, TILE, AROUND), bands.prepared(gradient, TILE, 0)

    def of_band(band: Array) -> Array:
        points, _ = _points_of_input(bands.part(images, band, TILE, AROUND))
        pairs = zip(points, _points_of_gradient(bands.part(gradients, band, TILE, 0)), strict=True)
        return jnp.stack([jnp.einsum("atc,atf->acf", *pair) for pair in pairs])

    back = OF_TAPS.reshape(POINTS * POINTS, 9).T
    taps = jnp.matmul(back, bands.summed(of_band, _zero_of(gradient)).reshape(POINTS * POINTS, -1), precision="highest")
    return taps.reshape(3, 3, channels, features)


def _zero_of(x: Array) -> Array:
    return jnp.minimum(jnp.abs(x[0, 0, 0, 0]), 0)


def _tiles(length: int) -> int:
    return -(-length // TILE)


def _bands(x: Array, features: int) -> Bands:
    batch, height, width, channels = x.shape
    return Bands.of(batch, _tiles(height), _tiles(width), max(channels, features))


def _points_of_input(padded: Array) -> tuple[list[Array], tuple[int, int, int]]:
    """For each column of points an array [row of points, tile, channel]; (images, rows, columns) of the tiles."""
    batch, tall, wide, channels = padded.shape
    rows, columns = tall // TILE, wide // TILE
    # Every TILE-th row from each of the six first ones on, mixed; then the same with columns.
    every = [padded[:, i : i + TILE * (rows - 1) + 1 : TILE] for i in range(POINTS)]
    by_row = jnp.stack(_mixed(OF_INPUT, every))
    every = [by_row[:, :, :, j : j + TILE * (columns - 1) + 1 : TILE] for j in range(POINTS)]
    points = [part.reshape(POINTS, batch * rows * columns, channels) for part in _mixed(OF_INPUT, every)]
    return points, (batch, rows, columns)


def _points_of_gradient(padded: Array) -> list[Array]:
    """The way back from results to products, in the order of `_points_of_input`."""
    batch, tall, wide, features = padded.shape
    rows, columns = tall // TILE, wide // TILE
    tiles = padded.reshape(batch, rows, TILE, columns, TILE, features)
    by_row = jnp.stack(_mixed(OF_RESULT.T, [tiles[:, :, i] for i in range(TILE)]))
    mixed = _mixed(OF_RESULT.T, [by_row[:, :, :, :, j] for j in range(TILE)])
    return [part.reshape(POINTS, batch * rows * columns, features) for part in mixed]


def _mixed(matrix: np.ndarray, parts: Iterable[Array]) -> list[Array]:
    """Sums of parts, weighted by each row of a matrix of small integers."""
    parts = list(parts)
    return [sum(part * weight for weight, part in zip(row, parts, strict=True) if weight) for row in matrix]
