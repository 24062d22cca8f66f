"""HR pixels from coefficients and a basis: by the pixel, by the cell, and by a loop in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.kernels.field_sum import CORNERS, field_cells, field_pixels

SIZE, TERMS = (6, 5), 3


def setting(rng, scale, side):
    scale = Scale.of(scale)
    grid = make_grid(scale, scale.output_size(*SIZE), (side, side))
    phases = len(grid.rows.relative), len(grid.columns.relative)
    coefficients = rng.normal(size=(2, *SIZE, 3 * TERMS)).astype(np.float32)
    return grid, coefficients, rng.normal(size=(*phases, len(CORNERS), TERMS)).astype(np.float32)


def reference(coefficients, basis, grid):
    """One pixel, corner and channel at a time, in float64."""
    parts = coefficients.astype(np.float64).reshape(2, *SIZE, 3, TERMS)
    result = np.zeros((2, *grid.size, 3))
    for y, x in np.ndindex(*grid.size):
        phases = grid.rows.phase[y], grid.columns.phase[x]
        first = [
            axis.base[n] + int(np.floor(axis.relative[phase]))
            for axis, n, phase in zip((grid.rows, grid.columns), (y, x), phases, strict=True)
        ]
        for number, corner in enumerate(CORNERS):
            i, j = (min(max(f + c, 0), length - 1) for f, c, length in zip(first, corner, SIZE, strict=True))
            result[:, y, x] += parts[:, i, j] @ basis[(*phases, number)].astype(np.float64)
    return result


@pytest.mark.parametrize("scale", ["1", "2", "2.5x3.5", "1.07", "3.3x1.7", "8x1.1"])
def test_cells_and_pixels_equal_a_float64_loop(rng, scale):
    side = 5 * int(np.ceil(Scale.of(scale).larger)) + 3
    grid, coefficients, basis = setting(rng, scale, max(side, *Scale.of(scale).output_size(*SIZE)))
    expected = reference(coefficients, basis, grid)
    per_cell = tuple(int(np.ceil(factor)) for factor in (Scale.of(scale).vertical, Scale.of(scale).horizontal))
    for function, last in ((field_pixels, SIZE), (field_cells, per_cell)):
        result = jax.jit(function, static_argnums=3)(coefficients, basis, grid, last)
        np.testing.assert_allclose(result[:, : grid.size[0], : grid.size[1]], expected, atol=2e-5)


def test_an_image_that_fills_its_array_in_part_is_as_if_it_were_alone(rng):
    grid, coefficients, basis = setting(rng, "2.5x3.5", 21)
    larger = np.pad(coefficients, ((0, 0), (0, 4), (0, 3), (0, 0)), constant_values=np.nan)
    alone, padded = (
        field_pixels(coefficients, basis, grid, SIZE),
        field_pixels(larger, basis, grid, (jnp.int32(6), jnp.int32(5))),
    )
    np.testing.assert_array_equal(alone, padded)


def test_both_have_the_same_gradients(rng):
    grid, coefficients, basis = setting(rng, "2.5x1.5", 15)
    inside = (slice(None), *map(slice, grid.size))

    def of(function, last):
        loss = jax.jit(jax.grad(lambda *arrays: (function(*arrays, grid, last)[inside] ** 2).sum(), (0, 1)))
        return loss(coefficients, basis)

    for one, other in zip(of(field_pixels, SIZE), of(field_cells, (2, 3)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
