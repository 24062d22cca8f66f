"""3x3 convs to few features: minimal filtering down the rows, taps along them.

18 products stand for the 36 of four rows. Filtering both axes would take half of that again, but in products so thin
that their transforms cost more.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from arbsr_jax.models.minimal_filtering import (
    AROUND,
    OF_KERNEL,
    POINTS,
    TILE,
    bands_for,
    rows_of_input,
    to_results,
    zero_of,
)


def winograd_1d(
    x: Float[Array, "batch height width channels"], kernel: Float[Array, "3 3 channels features"]
) -> Float[Array, "batch height width features"]:
    """The 3x3 cross-correlation with zero padding 1."""
    channels, features = kernel.shape[2:]
    zero = zero_of(x)
    taps = jnp.einsum("pi,ijcf->pcjf", OF_KERNEL, kernel + zero, precision="highest").reshape(POINTS, channels, -1)
    bands = bands_for(x, features)
    images = bands.prepared(x, TILE, AROUND)

    def of_band(band: Array) -> Array:
        by_row = rows_of_input(bands.part(images, band, TILE, AROUND))
        _, count, rows, wide, _ = by_row.shape
        width = wide - 2 * AROUND
        products = (by_row.reshape(POINTS, -1, channels) @ taps).reshape(POINTS, count, rows, wide, -1)
        summed = sum(part[:, :, :, j : j + width] for j, part in enumerate(jnp.split(products, 3, axis=-1)))
        return jnp.stack(to_results(summed), axis=2).reshape(count, rows * TILE, width, features)

    return bands.joined(of_band, x.shape[1:3], zero)
