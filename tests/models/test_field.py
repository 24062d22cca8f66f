"""Field upsampling as a part of the network."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from arbsr_jax.imaging.grid import make_grid, window_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.kernels.sampling import bilinear_sample
from arbsr_jax.model_file import Model
from arbsr_jax.models.config import EDSR_BASELINE, EDSR_TINY, ModelConfig
from arbsr_jax.models.extent import WHOLE
from arbsr_jax.models.network import SRNetwork, parameter_shapes
from arbsr_jax.models.parameters import count_parameters
from tests.models.fixtures import SMALL, compile_soon, randomized

FIELD = dataclasses.replace(SMALL, upsampler="field", adaption="none", basis=4, hidden=8)


def with_field(config: ModelConfig) -> ModelConfig:
    return dataclasses.replace(config, upsampler="field", adaption="none")


@pytest.mark.parametrize("config", [EDSR_BASELINE, EDSR_TINY])
def test_the_head_has_the_parameters_of_its_layers(config):
    """3x3 to 256, 256 to 256, 256 to 3 x 64; FC 64, 64, 64 of 68 numbers, and 2 x 32 frequencies."""
    lr = 9 * config.channels * 256 + 256 + 256 * 256 + 256 + 256 * 192 + 192
    hyper = 68 * 64 + 64 + 2 * (64 * 64 + 64) + 2 * 32
    shapes = parameter_shapes(with_field(config))
    assert count_parameters(shapes["upsampler"]) == lr + hyper
    assert "tail" not in shapes


@pytest.mark.parametrize("scale", [pytest.param("2", marks=pytest.mark.slow), "2.5x3.5"])
def test_without_coefficients_it_is_bilinear_interpolation(photograph, scale):
    image, scale = photograph[None].astype(np.float32), Scale.of(scale)
    parameters = randomized(FIELD)
    parameters["upsampler"]["last"] = jax.tree.map(np.zeros_like, parameters["upsampler"]["last"])
    grid = make_grid(scale, scale.output_size(*image.shape[1:3]))
    result, _ = compile_soon(SRNetwork(FIELD).apply)({"params": parameters}, image, grid)
    rows, columns = ((axis.base, axis.relative[axis.phase]) for axis in (grid.rows, grid.columns))
    shape = grid.canvas
    expected = bilinear_sample(
        image,
        (rows[0][:, None], np.broadcast_to(rows[1][:, None], shape)),
        (columns[0][None], np.broadcast_to(columns[1][None], shape)),
        image.shape[1:3],
    )
    np.testing.assert_allclose(result, expected, atol=1e-3)


@pytest.mark.parametrize("scale", ["2.5x3.5", pytest.param("2.37", marks=pytest.mark.slow)])
def test_a_table_changes_nothing(photograph, scale):
    """The whole image at once, as in training, and in strips, as in inference."""
    image, scale, parameters = photograph[None].astype(np.float32), Scale.of(scale), randomized(FIELD)
    network, hr = SRNetwork(FIELD), scale.output_size(*photograph.shape[:2])
    grid = window_grid(scale, (0, 0), hr, (0, 0), hr, by_cell=True)

    @functools.partial(jax.jit, static_argnums=3)
    def in_parts(variables, image, grid, with_table):
        features, _ = network.apply(variables, image, grid.scale, WHOLE, method="encode")
        table = network.apply(variables, grid, method="phase_table") if with_table else None
        return network.apply(variables, features, WHOLE, grid, table, method="decode")

    whole, _ = compile_soon(network.apply)({"params": parameters}, image, make_grid(scale, hr))
    for with_table in (False, True):
        parts = in_parts({"params": parameters}, image, grid, with_table)
        np.testing.assert_allclose(parts, whole, atol=2e-3)


@pytest.mark.parametrize("scale", ["2.5x3.5"])
def test_tiles_leave_no_trace(photograph, scale):
    model = Model("field", FIELD, randomized(FIELD), {})
    large = np.tile(photograph, (2, 2, 1))
    whole, tiled = (Upscaler(model, tile=tile).upscale(large, scale).astype(int) for tile in (0, 50))
    assert np.abs(whole - tiled).max() <= 1
