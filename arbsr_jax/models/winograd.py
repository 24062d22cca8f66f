"""3x3 convs and their gradients by minimal filtering along both axes, as Winograd's F(4x4, 3x3).

36 matrix products stand for the 144 of a 4x4 tile.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from arbsr_jax.models.minimal_filtering import (
    AROUND,
    OF_INPUT,
    OF_KERNEL,
    OF_RESULT,
    POINTS,
    TILE,
    bands_for,
    rows_of_input,
    to_points,
    to_results,
    zero_of,
)

# For both axes at once: by column and row of points, for each of the nine taps.
OF_TAPS = np.einsum("ai,bj->baij", OF_KERNEL, OF_KERNEL).reshape(POINTS, POINTS, 9)


def winograd(
    x: Float[Array, "batch height width channels"], kernel: Float[Array, "3 3 channels features"]
) -> Float[Array, "batch height width features"]:
    """The 3x3 cross-correlation with zero padding 1."""
    zero = zero_of(x)
    kernel = kernel + zero
    taps = kernel.reshape(9, -1)
    kernels = [jnp.matmul(column, taps, precision="highest").reshape(-1, *kernel.shape[2:]) for column in OF_TAPS]
    bands = bands_for(x, kernel.shape[-1])
    images = bands.prepared(x, TILE, AROUND)

    def of_band(band: Array) -> Array:
        points, shape = _points_of_input(bands.part(images, band, TILE, AROUND))
        products = (of_column @ matrix for of_column, matrix in zip(points, kernels, strict=True))
        # Rows first: each of them is a block of a product.
        by_row = [jnp.stack(to_results(product)) for product in products]
        results = [part.reshape(TILE, *shape, -1) for part in to_results(by_row)]
        whole = jnp.stack([jnp.stack([part[i] for part in results], axis=3) for i in range(TILE)], axis=2)
        return whole.reshape(shape[0], shape[1] * TILE, shape[2] * TILE, -1)

    return bands.joined(of_band, x.shape[1:3], zero)


def winograd_of_kernel(
    x: Float[Array, "batch height width channels"], gradient: Float[Array, "batch height width features"]
) -> Float[Array, "3 3 channels features"]:
    """The gradient of a kernel, from what it was applied to and the gradient of what came out."""
    channels, features = x.shape[-1], gradient.shape[-1]
    bands = bands_for(x, features)
    images, gradients = bands.prepared(x, TILE, AROUND), bands.prepared(gradient, TILE, 0)

    def of_band(band: Array) -> Array:
        points, _ = _points_of_input(bands.part(images, band, TILE, AROUND))
        pairs = zip(points, _points_of_gradient(bands.part(gradients, band, TILE, 0)), strict=True)
        return jnp.stack([jnp.einsum("atc,atf->acf", *pair) for pair in pairs])

    back = OF_TAPS.reshape(POINTS * POINTS, 9).T
    taps = jnp.matmul(back, bands.summed(of_band, zero_of(gradient)).reshape(POINTS * POINTS, -1), precision="highest")
    return taps.reshape(3, 3, channels, features)


def _points_of_input(padded: Array) -> tuple[list[Array], tuple[int, int, int]]:
    """For each column of points an array [row of points, tile, channel]; (images, rows, columns) of the tiles."""
    batch, tall, wide, channels = padded.shape
    rows, columns = tall // TILE, wide // TILE
    by_row = rows_of_input(padded)
    every = [by_row[:, :, :, j : j + TILE * (columns - 1) + 1 : TILE] for j in range(POINTS)]
    points = [part.reshape(POINTS, batch * rows * columns, channels) for part in to_points(OF_INPUT, every)]
    return points, (batch, rows, columns)


def _points_of_gradient(padded: Array) -> list[Array]:
    """The way back from results to products, in the order of `_points_of_input`."""
    batch, tall, wide, features = padded.shape
    rows, columns = tall // TILE, wide // TILE
    tiles = padded.reshape(batch, rows, TILE, columns, TILE, features)
    by_row = jnp.stack(to_points(OF_RESULT.T, [tiles[:, :, i] for i in range(TILE)]))
    points = to_points(OF_RESULT.T, [by_row[:, :, :, :, j] for j in range(TILE)])
    return [part.reshape(POINTS, batch * rows * columns, features) for part in points]
