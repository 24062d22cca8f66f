"""What the heads give is computed once for a scale."""

import dataclasses

import jax
import numpy as np
import pytest

from arbsr_jax import Upscaler
from arbsr_jax.compilation import ProgramCache
from arbsr_jax.inference.compiled import CompiledNetwork
from arbsr_jax.model_file import Model
from arbsr_jax.models.config import scale_specific
from tests.models.fixtures import SMALL, randomized


@pytest.fixture(scope="module", params=["scale_aware", pytest.param("experts", marks=pytest.mark.slow)])
def network(request):
    config = dataclasses.replace(SMALL, upsampler=request.param)
    return Upscaler(Model("small", config, randomized(config), {}))


@pytest.fixture
def upscaler(network):
    """With compiled programs, but no table."""
    network.replace_model(network.model)
    return network


@pytest.fixture
def ran(monkeypatch):
    """Names of the parts whose programs ran."""
    names, run = [], ProgramCache.compiled

    def noted(self, *arguments):
        names.append(self._function.__name__)
        return run(self, *arguments)

    monkeypatch.setattr(ProgramCache, "compiled", noted)
    return names


def image_of(rng, height, width):
    return rng.integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_pieces_and_images_of_one_scale_share_a_table(rng, upscaler, ran):
    upscaler = Upscaler(upscaler.model, tile=64)
    upscaler.upscale(image_of(rng, 130, 150), "2.37")
    upscaler.upscale(image_of(rng, 40, 30), "2.37")
    assert ran.count("_decode_rounded") >= 5
    assert ran.count("_phase_table") == 1
    upscaler.upscale(image_of(rng, 40, 30), "2.39")
    upscaler.upscale(image_of(rng, 40, 30), "2.39x2.37")
    assert ran.count("_phase_table") == 3


def test_tables_that_pieces_do_not_share_are_not_kept(rng, upscaler, ran):
    """x2.3701 has 23,701 phases: an image of one piece has a table, one of several has none."""
    Upscaler(upscaler.model, tile=64).upscale(image_of(rng, 40, 90), "2.3701")
    assert "_phase_table" not in ran
    upscaler.upscale(image_of(rng, 40, 30), "2.3701")
    assert ran.count("_phase_table") == 1


@pytest.mark.parametrize("scale", ["2.37", pytest.param("2.3701", marks=pytest.mark.slow)])
def test_a_table_changes_no_more_than_rounding_does(rng, upscaler, scale):
    image = image_of(rng, 110, 60)
    with_table = [upscaler.upscale_unrounded(image, scale) for _ in range(2)]
    model, without = upscaler.model, Upscaler(upscaler.model)
    without.network = CompiledNetwork(model.config, model.parameters, table_bytes=0)
    computed = without.upscale_unrounded(image, scale)
    for result in with_table:
        np.testing.assert_allclose(result, computed, atol=1e-3 * np.abs(computed).max())


def test_programs_are_told_apart_by_the_types_of_arrays():
    """Equal shapes of another type: another program, and its own result."""
    cache = ProgramCache(jax.jit(lambda x: x / 2))
    assert float(cache(np.array([3], np.float32))[0]) == 1.5
    assert cache(np.array([3], np.int32)).dtype == np.float32
    assert cache(np.array([3], np.float16)).dtype == np.float16
    assert len(cache.programs) == 3


def test_other_parameters_have_another_table(rng, upscaler):
    image = image_of(rng, 20, 30)
    upscaler.upscale(image, "2.5")
    other = jax.tree.map(lambda leaf: 0.9 * leaf, upscaler.model.parameters)
    upscaler.replace_model(upscaler.model._replace(parameters=other))
    expected = Upscaler(upscaler.model._replace(parameters=other)).upscale(image, "2.5")
    np.testing.assert_array_equal(upscaler.upscale(image, "2.5"), expected)


def test_networks_without_heads_have_no_table(rng, ran):
    config = scale_specific(SMALL, 2)
    Upscaler(Model("small", config, randomized(config), {})).upscale(image_of(rng, 20, 30), "2")
    assert "_phase_table" not in ran
