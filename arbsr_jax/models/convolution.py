"""How 3x3 convs with zero padding 1 are computed: ways that give the same, the fastest for platform and purpose."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Images = Float[Array, "batch height width channels"]
Results = Float[Array, "batch height width features"]
Kernel = Float[Array, "3 3 channels features"]

TAPS = [(row, column) for row in range(3) for column in range(3)]
MANY = 48  # channels and features from which Winograd's way is faster than XLA's conv on CPUs

# Winograd's minimal filtering F(4, 3) (Lavin and Gray, CVPR 2016): 6 products make 4 results of a filter of length 3.
TILE = 4
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
OF_RESULT = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], np.float32)


@jax.custom_vjp
def conv3x3(x: Images, kernel: Kernel) -> Results:
    """A 3x3 cross-correlation with zero padding 1; on CPUs by faster ways than XLA's conv where no gradient is wanted.

    In float32 they differ from XLA's conv by about 1e-5 of the largest result.
    """
    features, channels = kernel.shape[-1], kernel.shape[-2]
    if x.dtype != jnp.float32:
        return direct(x, kernel)
    if min(features, channels) >= MANY:
        return jax.lax.platform_dependent(x, kernel, cpu=winograd, default=direct)
    if len(TAPS) * features <= 4 * channels:  # else the taps take too much memory
        return jax.lax.platform_dependent(x, kernel, cpu=by_taps, default=direct)
    return direct(x, kernel)


def direct(x: Images, kernel: Kernel) -> Results:
    """XLA's conv."""
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def by_taps(x: Images, kernel: Kernel) -> Results:
    """One matrix product that makes nine results for every pixel, and their shifted sum."""
    return sum_of_taps(x @ kernel.transpose(2, 0, 1, 3).reshape(x.shape[-1], -1))


def winograd(x: Images, kernel: Kernel) -> Results:
    """36 products make the 4x4 results of a tile, where a plain conv takes 144; exact but for rounding."""
    batch, height, width, channels = x.shape
    rows, columns = -(-height // TILE), -(-width // TILE)
    points = len(OF_INPUT)
    beyond = [(0, 0), (1, rows * TILE - height + 1), (1, columns * TILE - width + 1), (0, 0)]
    padded = jnp.pad(x, beyond)
    # Kernels grow by four: without a bond to x, XLA would make those of all layers before the first of them runs.
    kernel = kernel + jnp.minimum(jnp.abs(x[0, 0, 0, 0]), 0)
    kernels = jnp.einsum("ai,bj,ijco->abco", OF_KERNEL, OF_KERNEL, kernel, precision="highest")
    # Every TILE-th row from each of the six first ones on, mixed; then the same with columns.
    every = [padded[:, i : i + TILE * (rows - 1) + 1 : TILE] for i in range(points)]
    by_row = jnp.stack(_mixed(OF_INPUT, every))
    every = [by_row[:, :, :, j : j + TILE * (columns - 1) + 1 : TILE] for j in range(points)]
    flat = (points, batch * rows * columns, channels)
    products = [part.reshape(flat) @ kernels[:, j] for j, part in enumerate(_mixed(OF_INPUT, every))]
    tiles = [_mixed(OF_RESULT, list(column)) for column in _mixed(OF_RESULT, products)]
    shape = (batch, rows, columns, kernel.shape[-1])
    of_row = [jnp.stack([column[i].reshape(shape) for column in tiles], axis=3) for i in range(TILE)]
    whole = jnp.stack(of_row, axis=2).reshape(batch, rows * TILE, columns * TILE, -1)
    return whole[:, :height, :width]


def _mixed(matrix: np.ndarray, parts: Sequence[Array]) -> list[Array]:
    """Sums of parts, weighted by each row of a matrix of small integers."""
    return [sum(part * weight for weight, part in zip(row, parts, strict=True) if weight) for row in matrix]


@jax.custom_vjp
def sum_of_taps(
    taps: Float[Array, "batch height width nine_features"],
) -> Float[Array, "batch height width features"]:
    """What the nine taps of a 3x3 conv, side by side, sum up to; zeros around the image."""
    height, width = taps.shape[1:3]
    padded = jnp.pad(taps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    parts = jnp.split(padded, 9, axis=-1)
    return sum(part[:, i : i + height, j : j + width] for part, (i, j) in zip(parts, TAPS, strict=True))


def _sum_of_taps_forward(taps: Array) -> tuple[Array, None]:
    return sum_of_taps(taps), None


def _sum_of_taps_backward(_: None, gradient: Array) -> tuple[Array]:
    height, width = gradient.shape[1:3]
    padded = jnp.pad(gradient, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return (jnp.concatenate([padded[:, 2 - i : 2 - i + height, 2 - j : 2 - j + width] for i, j in TAPS], axis=-1),)


sum_of_taps.defvjp(_sum_of_taps_forward, _sum_of_taps_backward)


def _conv_forward(x: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return direct(x, kernel), (x, kernel)


def _conv_backward(saved: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    return jax.vjp(direct, *saved)[1](gradient)


conv3x3.defvjp(_conv_forward, _conv_backward)
