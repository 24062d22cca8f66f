"""Rows decoded a few at a time give what all of them at once give."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from arbsr_jax.inference import strips
from arbsr_jax.models.area import WHOLE, Area
from arbsr_jax.models.network import SRNetwork, phase_values
from arbsr_jax.ops.geometry import Scale, make_grid
from tests.models.fixtures import SMALL, randomized


@pytest.mark.parametrize(
    ("upsampler", "scale", "rows"),
    [
        ("scale_aware", "2.37", 5),
        ("scale_aware", "2.5x3.5", 1),
        ("scale_aware", "2.5x3.5", 1000),
        ("bicubic", "2.37", 5),
        ("experts", "2.5x3.5", 5),
        ("implicit", "2.5x3.5", 5),
    ],
)
def test_strips_equal_the_whole(rng, monkeypatch, upsampler, scale, rows):
    config = dataclasses.replace(SMALL, upsampler=upsampler)
    parameters, network, scale = randomized(config), SRNetwork(config), Scale.of(scale)
    features = rng.normal(0, 20, (1, 9, 7, 8)).astype(np.float32)
    grid = make_grid(scale, scale.output_size(9, 7), canvas=(40, 36))
    monkeypatch.setattr(strips, "STRIP_BYTES", rows * 4 * 36 * 8)
    decode = jax.jit(functools.partial(network.apply, method="decode"))
    in_strips = jax.jit(functools.partial(strips.decode_in_strips, network))
    known = network.apply({"params": parameters}, grid, method="phase_table") if phase_values(config) else None
    for area, canvas in ((WHOLE, WHOLE), (Area(np.array([8, 7], np.int32)), Area(grid.size))):
        whole = decode({"params": parameters}, features, grid, area, canvas)
        inside = (slice(None), *(slice(0, n) for n in grid.size))
        for table in (None, known):
            found = in_strips(parameters, features, grid, area, canvas, table)
            np.testing.assert_allclose(found[inside], whole[inside], atol=1e-3)
