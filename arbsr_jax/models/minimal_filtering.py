"""What 3x3 convs by Winograd's minimal filtering F(4, 3) share (Lavin and Gray, CVPR 2016).

6 products make 4 results of a filter of length 3, where 12 would be taken. Exact but for rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from arbsr_jax.models.bands import Bands

TILE = 4
POINTS = 6
AROUND = (POINTS - TILE) // 2  # the zero padding
# Polynomials are multiplied by their values at 0, r/2, -r/2, r, -r and infinity, with r the root of 2: 1 and 2 for r/2
# and r are simpler, but twice as far off on average.
R = np.sqrt(2)
OF_INPUT = np.array(
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
OF_KERNEL = np.array(
    [[6, 0, 0], [-4, -2 * R, -2], [-4, 2 * R, -2], [1, R, 2], [1, -R, 2], [0, 0, 6]], np.float32
) / np.float32(6)
OF_RESULT = np.array(
    [[1, 1, 1, 1, 1, 0], [0, R / 2, -R / 2, R, -R, 0], [0, 0.5, 0.5, 2, 2, 0], [0, R / 4, -R / 4, 2 * R, -2 * R, 1]],
    np.float32,
)
# A polynomial's even and odd parts serve a point and its negative; this makes the parts of the two points' values.
PARTS = np.eye(POINTS, dtype=np.float32)
PARTS[1:3, 1:3] = PARTS[3:5, 3:5] = [[0.5, 0.5], [0.5, -0.5]]


def zero_of(x: Float[Array, "batch height width channels"]) -> Float[Array, ""]:
    """A zero that has to be computed from images.

    Kernels grow by half or more: without a bond to x, XLA would make those of all layers before the first of them runs.
    """
    return jnp.minimum(jnp.abs(x[0, 0, 0, 0]), 0)


def bands_for(x: Float[Array, "batch height width channels"], features: int) -> Bands:
    """The bands in which images are worked through."""
    batch, height, width, channels = x.shape
    return Bands.of(batch, -(-height // TILE), -(-width // TILE), max(channels, features))


def rows_of_input(
    padded: Float[Array, "images tall wide channels"],
) -> Float[Array, "points images rows wide channels"]:
    """Points of every column, for `rows` tiles of TILE rows each."""
    rows = padded.shape[1] // TILE
    # Every TILE-th row from each of the six first ones on.
    return jnp.stack(to_points(OF_INPUT, [padded[:, i : i + TILE * (rows - 1) + 1 : TILE] for i in range(POINTS)]))


def to_points(matrix: np.ndarray, parts: Sequence[Array]) -> list[Array]:
    """Sums of parts for each of the six points, weighted by the rows of a matrix."""
    return _pairs(_mixed(PARTS @ matrix, parts))


def to_results(points: Sequence[Array]) -> list[Array]:
    """The four results of what was multiplied at the six points."""
    return _mixed(OF_RESULT @ PARTS, _pairs(points))


def _pairs(values: Sequence[Array]) -> list[Array]:
    """Sums and differences: of even and odd parts they are two points' values; of those, twice the parts."""
    first, a, b, c, d, last = values
    return [first, a + b, a - b, c + d, c - d, last]


def _mixed(matrix: np.ndarray, parts: Sequence[Array]) -> list[Array]:
    return [sum(part * weight for weight, part in zip(row, parts, strict=True) if weight) for row in matrix]
