import numpy as np
import pytest
from ml_collections import ConfigDict

from arbsr_jax import ArbsrError
from arbsr_jax.train.optimizer import learning_rate, make_optimizer

RECIPE = {"learning_rate": 1e-4, "schedule": "halving", "halve_every": 15_000, "warmup": 10}


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
