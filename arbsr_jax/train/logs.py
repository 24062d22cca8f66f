"""What a run reports: a progress bar, one JSON object a line, TensorBoard, and a profiler's traces."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tensorboard.summary import Writer
from tqdm import tqdm

from arbsr_jax.files import json_text

LINES, EVENTS, TRACES = "log.jsonl", "tensorboard", "profile"


class RunLog:
    """Writes from process 0 alone; elsewhere it says nothing."""

    def __init__(self, workdir: Path) -> None:
        self._speaks = jax.process_index() == 0
        if self._speaks:
            self._lines = (workdir / LINES).open("a")
            self._events = Writer(str(workdir / EVENTS))

    def say(self, line: str) -> None:
        """One line for people, past the progress bar."""
        if self._speaks:
            tqdm.write(line)

    def write(self, step: int, values: dict[str, float]) -> None:
        """Numbers of a step, for both files."""
        if not self._speaks:
            return
        self._lines.write(json_text({"step": step, "time": time.time(), **values}) + "\n")
        self._lines.flush()
        for name, value in values.items():
            self._events.add_scalar(name, value, step)

    def close(self) -> None:
        """Finish both files."""
        if self._speaks:
            self._lines.close()
            self._events.close()


class Meter:
    """Averages of metrics and shares of time since the last report; compiling and validation do not count."""

    def __init__(self, images_per_step: int) -> None:
        self._images = images_per_step
        self._restart()

    def _restart(self) -> None:
        self._metrics, self._waited, self._excluded, self._since = [], 0.0, 0.0, time.perf_counter()

    def waiting(self, batches: Iterable) -> Iterator:
        """The batches, with the time it takes to get each counted as waiting for data."""
        iterator = iter(batches)
        while True:
            begin = time.perf_counter()
            batch = next(iterator, None)
            self._waited += time.perf_counter() - begin
            if batch is None:
                return
            yield batch

    def add(self, metrics: dict[str, Any]) -> None:
        """Metrics of one step; not read before the report, so that steps need not wait."""
        self._metrics.append(metrics)

    def exclude(self, seconds: float) -> None:
        """Leave some time out of the speed."""
        self._excluded += seconds

    def report(self) -> dict[str, float]:
        """Mean of every metric over the steps that had it, images per second, and the share of time spent waiting."""
        names = {name for metrics in self._metrics for name in metrics}
        means = {n: float(np.mean([float(m[n]) for m in self._metrics if n in m])) for n in sorted(names)}
        seconds = max(1e-9, time.perf_counter() - self._since - self._excluded)
        speed = {"images_per_second": len(self._metrics) * self._images / seconds, "data_wait": self._waited / seconds}
        self._restart()
        return {**means, **speed}


class Profiler:
    """Traces some steps of a run, for TensorBoard or Perfetto; none if the range is empty."""

    def __init__(self, steps: range, workdir: Path) -> None:
        self._folder, self._steps, self._running = workdir / TRACES, steps, False

    def before(self, step: int) -> None:
        """Begin with the first of the steps."""
        if step in self._steps and not self._running:
            jax.profiler.start_trace(str(self._folder))
            self._running = True

    def after(self, step: int, result: object) -> str:
        """End with the last of them, when its result is there; returns what to say."""
        if not self._running or step + 1 in self._steps:
            return ""
        jax.block_until_ready(result)
        self.close()
        return f"trace of steps {self._steps[0]} to {step}: {self._folder}"

    def close(self) -> None:
        """End a trace that a run was stopped in."""
        if self._running:
            jax.profiler.stop_trace()
            self._running = False


def progress_bar(steps: int, start: int) -> tqdm:
    """A bar that fits a terminal of 80 columns together with `format_progress`."""
    layout = "{n_fmt}/{total_fmt} [{elapsed}<{remaining}]{postfix}"
    return tqdm(total=steps, initial=start, mininterval=1.0, disable=None, bar_format=layout)


def format_progress(values: dict[str, float]) -> str:
    """A report in few words, for the bar."""
    loss, rate = values.get("loss", np.nan), values["learning_rate"]
    return f"loss {loss:.3f} lr {rate:.1e} {values['images_per_second']:.1f} img/s wait {values['data_wait']:.0%}"
