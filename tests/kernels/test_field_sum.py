"""HR pixels from coefficients and a basis: cell by cell, strip by strip, and by a loop in float64."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arbsr_jax.imaging.grid import make_grid, window_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.kernels.field_strips import field_strips
from arbsr_jax.kernels.field_sum import CORNERS, field_cells

SIZE, TERMS = (6, 5), 3
SCALES = ["1", "2", "2.5x3.5", "1.07", "3.3x1.7", "8x1.1"]


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


def cell_size(scale):
    return tuple(int(np.ceil(factor)) for factor in (Scale.of(scale).vertical, Scale.of(scale).horizontal))


@pytest.mark.parametrize("scale", SCALES)
def test_cells_equal_a_float64_loop(rng, scale):
    side = 5 * int(np.ceil(Scale.of(scale).larger)) + 3
    grid, coefficients, basis = setting(rng, scale, max(side, *Scale.of(scale).output_size(*SIZE)))
    expected = reference(coefficients, basis, grid)
    result = jax.jit(field_cells, static_argnums=3)(coefficients, basis, grid, cell_size(scale))
    np.testing.assert_allclose(result[:, : grid.size[0], : grid.size[1]], expected, atol=2e-5)


@pytest.mark.parametrize("strip_bytes", [1, 3000, 2**22])
@pytest.mark.parametrize("scale", [*SCALES, "1.234x4.321"])
def test_strips_equal_a_float64_loop(rng, scale, strip_bytes):
    """The whole image, and a window in its middle whose canvas goes on beyond it."""
    scale = Scale.of(scale)
    height, width = scale.output_size(*SIZE)
    for start, size in (((0, 0), (height, width)), ((height // 3, width // 2), (height // 2, width // 3))):
        grid = window_grid(scale, start, size, (0, 0), (size[0] + 2, size[1] + 1), by_cell=True)
        phases = len(grid.rows.relative), len(grid.columns.relative)
        coefficients = rng.normal(size=(2, *SIZE, 3 * TERMS)).astype(np.float32)
        basis = rng.normal(size=(*phases, len(CORNERS), TERMS)).astype(np.float32)
        result = in_strips(coefficients, basis, grid, SIZE, strip_bytes)
        assert result.shape == (2, *grid.canvas, 3)
        expected = reference(coefficients, basis, grid)
        np.testing.assert_allclose(result[:, : size[0], : size[1]], expected, atol=2e-5)


@functools.partial(jax.jit, static_argnums=4)
def in_strips(coefficients, basis, grid, size, strip_bytes):
    def rows(phases, down):
        return jnp.take(basis[:, :, 2 * down : 2 * down + 2], phases, axis=0, mode="clip")

    return field_strips(coefficients, rows, grid.cells, size, TERMS, strip_bytes)


def test_an_image_that_fills_its_array_in_part_is_as_if_it_were_alone(rng):
    grid = window_grid(Scale.of("2.5x3.5"), (0, 0), (21, 12), (0, 0), (21, 12), by_cell=True)
    phases = len(grid.rows.relative), len(grid.columns.relative)
    coefficients = rng.normal(size=(2, *SIZE, 3 * TERMS)).astype(np.float32)
    basis = rng.normal(size=(*phases, len(CORNERS), TERMS)).astype(np.float32)
    larger = np.pad(coefficients, ((0, 0), (0, 4), (0, 3), (0, 0)), constant_values=np.nan)
    alone = in_strips(coefficients, basis, grid, SIZE, 2**22)
    padded = in_strips(larger, basis, grid, (jnp.int32(6), jnp.int32(5)), 2**22)
    np.testing.assert_array_equal(alone, padded)


def test_gradients_equal_those_of_gathers(rng):
    grid, coefficients, basis = setting(rng, "2.5x1.5", 15)
    inside = (slice(None), *map(slice, grid.size))

    def gathered(coefficients, basis):
        total, parts = 0.0, coefficients.reshape(2, *SIZE, 3, TERMS)
        rows, columns = (a.base + np.floor(a.relative).astype(int)[a.phase] for a in (grid.rows, grid.columns))
        for number, (down, right) in enumerate(CORNERS):
            i, j = np.clip(rows + down, 0, SIZE[0] - 1), np.clip(columns + right, 0, SIZE[1] - 1)
            of_pixels = basis[grid.rows.phase[:, None], grid.columns.phase[None], number]
            total += jnp.einsum("brcxm,rcm->brcx", parts[:, i[:, None], j[None]], of_pixels)
        return total

    def by_cell(coefficients, basis):
        return field_cells(coefficients, basis, grid, (2, 3))

    ours, expected = (
        jax.jit(jax.grad(lambda *arrays: (function(*arrays)[inside] ** 2).sum(), (0, 1)))(coefficients, basis)  # noqa: B023
        for function in (by_cell, gathered)
    )
    for one, other in zip(ours, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
