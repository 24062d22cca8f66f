"""The order of what a training run does: nothing waits for the device while it could work."""

import contextlib
from unittest.mock import MagicMock

import jax.numpy as jnp
import numpy as np
import pytest

from arbsr_jax.data.pipeline import Batch
from arbsr_jax.models.config import EDSR_TINY
from arbsr_jax.parallel import DataParallel
from arbsr_jax.train import loop
from arbsr_jax.train.checkpoints import TrainingCheckpoints
from arbsr_jax.train.logs import Meter, Profiler, RunLog
from arbsr_jax.train.loop import RunContext, run_steps
from arbsr_jax.train.plans import ScalePlan
from arbsr_jax.train.settings import DataConfig, TrainConfig, ValidationConfig
from arbsr_jax.train.state import TrainState
from arbsr_jax.train.step import SKIPPED, SKIPPED_IN_ROW, Constants
from arbsr_jax.train.validation import Validation


@pytest.fixture
def events(monkeypatch):
    """What a run does, in its order: batches sent, steps started, their numbers read."""
    happened = []
    report = Meter.report

    def refuse(in_row, step, allowed):
        happened.append(f"read {step}")

    def start(program, state, batch, constants):
        step = state.step + 1
        happened.append(f"start {step}")
        metrics = {"loss": jnp.float32(step), SKIPPED: jnp.float32(0), SKIPPED_IN_ROW: jnp.float32(0)}
        return MagicMock(TrainState, step=step), metrics

    def all_read(meter):
        happened.extend(f"read {int(metrics['loss'])}" for metrics in meter._metrics)
        return report(meter)

    monkeypatch.setattr(loop, "_refuse_endless_skipping", refuse)
    monkeypatch.setattr(Meter, "report", all_read)
    monkeypatch.setattr(DataParallel, "__call__", start)
    monkeypatch.setattr(loop.parallel, "shard", lambda batch: happened.append("send"))
    monkeypatch.setattr(loop, "export_weights", lambda state, ema: {})
    return happened


def run(events, steps):
    """What was reported at which step."""
    often = {"log_every": 2, "checkpoint_every": 100, "max_skipped": 3}
    data, scoring = DataConfig(batch=1), ValidationConfig(every=100)
    config = TrainConfig(EDSR_TINY, steps=steps, **often, data=data, validation=scoring)
    written = []
    log, saved, validation = MagicMock(RunLog), MagicMock(TrainingCheckpoints), MagicMock(Validation)
    log.write = lambda step, values: written.append((step, values))
    saved.save = lambda step, state: events.append(f"save {step}")
    validation.return_value = {}
    profiler = MagicMock(Profiler)
    profiler.after.return_value = ""
    context = RunContext(log, saved, validation, lambda step: 1e-4, {}, profiler, lambda: None)
    pixels = np.zeros((1, 2, 2, 3), np.uint8)
    stream = (Batch(pixels, pixels, 0) for _ in range(steps))
    plan = ScalePlan(DataParallel(lambda state: state), MagicMock(Constants), canvas=2)
    with contextlib.suppress(loop.Preempted):
        run_steps(config, MagicMock(TrainState, step=0), stream, {0: plan}, context, loop.StopRequest())
    return written


def test_the_next_batch_is_sent_and_its_step_started_before_a_step_is_read(events):
    run(events, 7)
    assert events.count("send") == 7
    for step in range(1, 7):
        first_read = events.index(f"read {step}")
        assert first_read > events.index(f"start {step + 1}") > events.index(f"start {step}")
        assert events[:first_read].count("send") > step


def test_every_report_holds_the_steps_up_to_its_own(events):
    written = run(events, 7)
    assert [step for step, _ in written] == [2, 4, 6, 7]
    assert [values["loss"] for _, values in written] == [1.5, 3.5, 5.5, 7.0]
    assert events[-1] == "save 7"


def test_a_run_that_is_stopped_reports_what_it_saves(events, monkeypatch):
    monkeypatch.setattr(loop.StopRequest, "after", lambda self, step: step == 4)
    written = run(events, 7)
    assert written[-1][0] == 4
    assert "save 4" in events
