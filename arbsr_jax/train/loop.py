"""The steps of a training run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from arbsr_jax import parallel
from arbsr_jax.data.pipeline import Batch
from arbsr_jax.errors import ArbsrError
from arbsr_jax.train.checkpoints import TrainingCheckpoints
from arbsr_jax.train.logs import Meter, Profiler, RunLog, format_progress, progress_bar
from arbsr_jax.train.plans import ScalePlan
from arbsr_jax.train.settings import TrainConfig
from arbsr_jax.train.state import TrainState, export_weights
from arbsr_jax.train.step import SKIPPED, SKIPPED_IN_ROW, Metrics
from arbsr_jax.train.stopping import Preempted, StopRequest
from arbsr_jax.train.validation import Validation


@dataclass(frozen=True)
class RunContext:
    """Where the loop reports and saves."""

    log: RunLog
    checkpoints: TrainingCheckpoints
    validation: Validation
    learning_rate: Callable[[int], Any]
    provenance: dict[str, Any]
    profiler: Profiler
    store: Callable[[], None]


def run_steps(
    config: TrainConfig,
    state: TrainState,
    stream: Iterator[Batch],
    plans: Mapping[int, ScalePlan],
    context: RunContext,
    stop: StopRequest,
) -> TrainState:
    """All steps that the stream has batches for.

    Raises:
      ArbsrError: too many steps in a row were not finite.
      Preempted: SIGTERM or Ctrl-C arrived; the state is saved.
    """
    start, meter = int(state.step), Meter(config.data.batch)
    bar, last = progress_bar(config.steps, start), None

    def account(step: int, metrics: Metrics) -> None:
        counts = {name: metrics[name] for name in (SKIPPED, SKIPPED_IN_ROW)}
        _refuse_endless_skipping(int(counts[SKIPPED_IN_ROW]), step, config.max_skipped)
        meter.add({name: value for name, value in metrics.items() if name not in counts})
        if step % config.log_every == 0 or step == config.steps:
            _report(step, int(counts[SKIPPED]), meter, bar, context)
            context.store()

    with bar, closing(context.profiler) as profiler:
        for step, batch in enumerate(meter.waiting(stream), start=start + 1):
            plan = plans[batch.scale_index]
            profiler.before(step)
            state, metrics = plan.program(state, parallel.shard((batch.lr, batch.hr)), plan.constants)
            if last is not None:  # read when the next step has begun, so that the device never waits for us
                account(step - 1, last)
            last = metrics
            if traced := profiler.after(step, metrics):
                context.log.say(traced)
            bar.update()
            final = step == config.steps
            if final:
                account(step, metrics)
            if final or (step % config.validation.every == 0):
                begin = time.perf_counter()
                scores = context.validation(export_weights(state, config.ema), {**context.provenance, "steps": step})
                if scores:
                    context.log.write(step, scores)
                    context.log.say(f"step {step} " + " ".join(f"{k} {v:.2f}" for k, v in scores.items()))
                meter.exclude(time.perf_counter() - begin)
            stopping = stop.after(step)
            if step % config.checkpoint_every == 0 or final or stopping:
                context.store()  # refuses a place that another run has taken
                context.checkpoints.save(step, state)
            if stopping and not final:
                account(step, metrics)
                raise Preempted(step, stop.signal)
    return state


def _refuse_endless_skipping(in_row: int, step: int, allowed: int) -> None:
    if in_row >= allowed:
        raise ArbsrError(
            f"step {step}: loss or gradient was not finite {in_row} times in a row; lower "
            "config.optimizer.learning_rate, or raise config.max_skipped, and start again from the last checkpoint"
        )


def _report(step: int, skipped: int, meter: Meter, bar: tqdm, context: RunContext) -> None:
    values = {**meter.report(), "learning_rate": float(context.learning_rate(step)), SKIPPED: skipped}
    context.log.write(step, values)
    shown = {name: f"{values[name]:.3f}" for name in ("loss", "transfer") if name in values}
    shown |= {"lr": f"{values['learning_rate']:.2e}", "images/s": f"{values['images_per_second']:.1f}"}
    shown |= {"data wait": f"{values['data_wait']:.0%}", SKIPPED: str(skipped)}
    bar.set_postfix_str(format_progress(values), refresh=False)
    context.log.say(f"step {step} " + " ".join(f"{name} {value}" for name, value in shown.items()))
