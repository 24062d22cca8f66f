import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from arbsr_jax.compilation import ProgramCache
from arbsr_jax.train.optimizer import adam, learning_rate, rate_table
from arbsr_jax.train.settings import COSINE, OptimizerConfig

RECIPE = OptimizerConfig(warmup=10)
COSINE_RECIPE = OptimizerConfig(schedule=COSINE, warmup=10)


def test_the_papers_schedule_halves_every_15_epochs():
    rate = learning_rate(RECIPE, 70_000)
    for step in (0, 14_999, 15_000, 29_999, 30_000, 45_000, 69_999):
        assert float(rate(step)) == pytest.approx(np.float64(1e-4) * 0.5 ** (step // 15_000))


def test_cosine_schedule_warms_up_and_ends_at_zero():
    rate = learning_rate(COSINE_RECIPE, 100)
    values = [float(rate(step)) for step in (0, 5, 10, 55, 100)]
    np.testing.assert_allclose(values, [0, 5e-5, 1e-4, 5e-5, 0], atol=1e-10)


def test_rates_are_data_of_a_few_lengths():
    """Two schedules of about the same length share one program; the table holds the schedule's values."""
    schedule = learning_rate(COSINE_RECIPE, 100)
    table = rate_table(schedule, 100)
    np.testing.assert_allclose(table[:100], [float(schedule(step)) for step in range(100)], rtol=1e-4)
    assert (table[100:] == table[99]).all()
    assert table.shape == rate_table(schedule, 70_000).shape
    assert rate_table(schedule, 140_000).shape == (1 << 18,)
    parameters = {"x": jnp.ones(3)}
    optimizer = adam()
    update = ProgramCache(jax.jit(lambda state, rates: optimizer.update(parameters, state, rates=rates)))
    updates = []
    for rates in (table, table * 7):
        state = optimizer.init(parameters)
        for _ in range(12):
            change, state = update(state, rates)
        updates.append(np.asarray(change["x"]))
    np.testing.assert_allclose(updates[1], 7 * updates[0], rtol=1e-6)
    expected = optax.adam(schedule, 0.9, 0.999)
    state = expected.init(parameters)
    for _ in range(12):
        change, state = expected.update(parameters, state)
    np.testing.assert_allclose(updates[0], change["x"], rtol=1e-6)
    assert len(update.programs) == 1
