import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from arbsr_jax import ArbsrError
from arbsr_jax.train.losses import reconstruction_loss, transfer_loss
from arbsr_jax.train.optimizer import learning_rate, make_optimizer

RECIPE = {"learning_rate": 1e-4, "schedule": "halving", "halve_every": 15_000, "warmup": 10}


def test_reconstruction_is_the_mean_over_the_hr_size_in_float64(rng):
    sr, hr = (rng.uniform(0, 255, (2, 9, 7, 3)) for _ in range(2))
    result = reconstruction_loss(jnp.asarray(sr, jnp.float32), jnp.asarray(hr, jnp.float32), jnp.array([8, 5]))
    assert float(result) == pytest.approx(np.abs(sr - hr)[:, :8, :5].mean(), rel=1e-6)


def test_transfer_is_equation_6_in_float64(rng):
    student, teacher = ([rng.normal(0, 50, (2, 5, 6, 4)) for _ in range(3)] for _ in range(2))
    expected = sum(np.abs(s - t).mean() for s, t in zip(student, teacher, strict=True)) / 3
    result = transfer_loss(*([jnp.asarray(f, jnp.float32) for f in features] for features in (student, teacher)))
    assert float(result) == pytest.approx(expected, rel=1e-6)


def test_transfer_between_networks_of_other_depth_is_refused():
    with pytest.raises(ValueError, match="shorter"):
        transfer_loss([jnp.zeros((1, 2, 2, 3))] * 2, [jnp.zeros((1, 2, 2, 3))])


def test_the_papers_schedule_halves_every_15_epochs():
    rate = learning_rate(ConfigDict(RECIPE), 70_000)
    for step in (0, 14_999, 15_000, 29_999, 30_000, 45_000, 69_999):
        assert float(rate(step)) == pytest.approx(np.float64(1e-4) * 0.5 ** (step // 15_000))


def test_cosine_schedule_warms_up_and_ends_at_zero():
    rate = learning_rate(ConfigDict({**RECIPE, "schedule": "cosine"}), 100)
    values = [float(rate(step)) for step in (0, 5, 10, 55, 100)]
    np.testing.assert_allclose(values, [0, 5e-5, 1e-4, 5e-5, 0], atol=1e-10)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ArbsrError, match="halving, cosine"):
        make_optimizer(ConfigDict({**RECIPE, "schedule": "linear"}), 10)
