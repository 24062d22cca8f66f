import itertools
import json
import subprocess
import sys

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from arbsr_jax.train import logs
from arbsr_jax.train.logs import Meter, RunLog, format_progress, progress_bar
from tests.conftest import ROOT


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only when a test says so."""
    now = [0.0]
    monkeypatch.setattr(logs.time, "perf_counter", lambda: now[0])

    def passes(seconds):
        now[0] += seconds

    return passes


def test_speed_leaves_out_compiling_and_validation(clock):
    meter = Meter(images_per_step=16)

    def batches():
        for number in itertools.count():
            clock(0.5)
            yield number

    for _, batch in zip(range(2), meter.waiting(batches()), strict=False):
        clock(1.5)
        meter.add({"loss": 1.0 + batch})
    clock(30.0)
    meter.exclude(30.0)
    report = meter.report()
    assert report["loss"] == 1.5
    assert report["images_per_second"] == pytest.approx(2 * 16 / 4.0)
    assert report["data_wait"] == pytest.approx(1.0 / 4.0)


def test_the_bar_fits_eighty_columns():
    values = {"loss": 123.4567, "learning_rate": 1e-4, "images_per_second": 1234.56, "data_wait": 1.0}
    bar = progress_bar(1_000_000, 999_999)
    bar.set_postfix_str(format_progress(values))
    assert len(bar.format_meter(**{**bar.format_dict, "elapsed": 86_399})) <= 80
    bar.close()


def test_both_files_hold_the_same_numbers(tmp_path):
    log, losses = RunLog(tmp_path), {20: 12.5, 40: 3.25}
    for step, loss in losses.items():
        log.write(step, {"loss": loss})
    log.close()
    lines = map(json.loads, (tmp_path / logs.LINES).read_text().splitlines())
    assert {line["step"]: line["loss"] for line in lines} == losses
    events = EventAccumulator(str(tmp_path / logs.EVENTS)).Reload().Tensors("loss")
    assert {event.step: float(make_ndarray(event.tensor_proto)) for event in events} == losses


@pytest.mark.slow
def test_training_never_imports_pytorch():
    """It may be there for teachers; its import takes as long as TensorFlow's."""
    code = "import sys, arbsr_jax.train.run; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
