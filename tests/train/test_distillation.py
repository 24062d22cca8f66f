"""Targets made by another network: which pixels, what loss, and that only the student learns."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arbsr_jax import ArbsrError, parallel
from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.model_file import save_model
from arbsr_jax.models.config import implicit, scale_specific
from arbsr_jax.models.network import SRNetwork
from arbsr_jax.train.distillation import (
    output_loss,
    reconstruction_loss,
    stride_offset,
    strided,
    strided_grid,
    transfer_loss,
)
from arbsr_jax.train.teachers import load_output_teacher
from tests.models.fixtures import compile_soon, randomized
from tests.train import fixtures

TEACHER = implicit(fixtures.STUDENT)


def sr_of(config, parameters, lr, grid):
    sr, _ = compile_soon(SRNetwork(config).apply)({"params": parameters}, lr.astype(np.float32), grid)
    return np.asarray(sr, np.float64)


@pytest.fixture(scope="module")
def taught():
    return randomized(TEACHER, seed=5)


@pytest.mark.parametrize(("stride", "canvas"), [(2, 24), (2, 27), (3, 24), (4, 27)])
def test_all_offsets_together_see_every_pixel_once(stride, canvas):
    """Of as many rows and columns of a canvas as are a multiple of the stride."""
    scale = Scale.of("1.7x1.9")
    grid = make_grid(scale, scale.output_size(12, 12), (canvas, canvas))
    seen = np.zeros(grid.size, int)
    pixels = np.stack(np.meshgrid(np.arange(canvas), np.arange(canvas), indexing="ij"), -1)
    for step in range(stride**2):
        offset = stride_offset(np.int32(step), stride)
        thin = jax.tree.map(np.asarray, strided_grid(grid, offset, stride))
        places = np.asarray(strided(pixels[None], offset, stride))[0][: thin.size[0], : thin.size[1]]
        assert places.shape[:2] == tuple(thin.size)
        seen[places[..., 0], places[..., 1]] += 1
        rows = places[:, 0, 0]
        at = thin.rows.base + thin.rows.relative[thin.rows.phase]
        expected = [float(Fraction(2 * int(row) + 1) / scale.vertical / 2 - Fraction(1, 2)) for row in rows]
        np.testing.assert_allclose(at[: len(rows)], expected, atol=1e-6)
    assert (seen == 1).all()


@pytest.mark.slow
def test_loss_is_a_share_of_each_in_float64(taught):
    these = fixtures.constants()._replace(output_teacher=taught)
    (lr, hr), state = fixtures.batch(), fixtures.fresh()
    sr = np.asarray(fixtures.forward(state, lr, these.grid)[0], np.float64)
    target = np.clip(sr_of(TEACHER, taught, lr, these.grid), 0, 255)
    difference = np.abs(sr - target)[:, ::2, ::2].mean()  # as the first step sees it
    step = fixtures.program(output_teacher=TEACHER, output_share=0.25)
    _, metrics = step(state, parallel.shard((lr, hr)), these)
    assert float(metrics["output"]) == pytest.approx(difference, rel=1e-5)
    assert float(metrics["loss"]) == pytest.approx(0.75 * np.abs(sr - hr).mean() + 0.25 * difference, rel=1e-5)


def test_an_example_that_needs_neighbours_is_compared_at_every_pixel(rng):
    grid = fixtures.constants("1.5").grid
    sr = rng.uniform(20, 200, (2, *grid.canvas, 3)).astype(np.float32)
    further = 3 * (np.arange(sr.size).reshape(sr.shape) % 7 == 0)
    inside = (slice(None), *map(slice, grid.size))
    loss = output_loss(sr, grid, lambda given: sr + further, None)
    assert float(loss) == pytest.approx(further[inside].mean(), rel=1e-4)
    assert float(output_loss(sr, grid, lambda given: sr, None)) == 0


def test_only_networks_for_every_scale_teach_by_output(tmp_path):
    fixed, path = scale_specific(fixtures.STUDENT, 2), tmp_path / "x2.safetensors"
    save_model(path, fixed, randomized(fixed), {})
    with pytest.raises(ArbsrError, match="scale 2 alone"):
        load_output_teacher(str(path))
    assert load_output_teacher("") is None
    assert TEACHER.pixelwise
    assert not fixtures.STUDENT.pixelwise
    assert load_output_teacher("arbedsr-tiny").config.upsampler == "scale_aware"


def test_reconstruction_is_the_mean_over_the_hr_size_in_float64(rng):
    grid = make_grid(Scale.of("1.5"), (9, 9), (12, 10))
    sr, hr = (rng.uniform(0, 255, (2, 12, 10, 3)) for _ in range(2))
    images = [jnp.asarray(image, jnp.float32) for image in (sr, hr)]
    assert float(reconstruction_loss(*images, grid)) == pytest.approx(np.abs(sr - hr)[:, :9, :9].mean(), rel=1e-6)
    # Of 6x6 LR pixels the inner 2x2: HR pixels 3 to 5 lie on them.
    rim = float(reconstruction_loss(*images, grid, 2, 6))
    assert rim == pytest.approx(np.abs(sr - hr)[:, 3:6, 3:6].mean(), rel=1e-6)


def test_transfer_is_equation_6_in_float64(rng):
    student, teacher = ([rng.normal(0, 50, (2, 5, 6, 4)) for _ in range(3)] for _ in range(2))
    expected = sum(np.abs(s - t).mean() for s, t in zip(student, teacher, strict=True)) / 3
    result = transfer_loss(*([jnp.asarray(f, jnp.float32) for f in features] for features in (student, teacher)))
    assert float(result) == pytest.approx(expected, rel=1e-6)


def test_transfer_between_networks_of_other_depth_is_refused():
    with pytest.raises(ValueError, match="shorter"):
        transfer_loss([jnp.zeros((1, 2, 2, 3))] * 2, [jnp.zeros((1, 2, 2, 3))])
