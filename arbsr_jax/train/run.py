"""A training run from config to model file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import jax

from arbsr_jax.data import pipeline
from arbsr_jax.data.store import Pools
from arbsr_jax.errors import ArbsrError, reason
from arbsr_jax.model_file import allowed_name, save_model
from arbsr_jax.models.parameters import count_parameters
from arbsr_jax.train.checkpoints import TrainingCheckpoints
from arbsr_jax.train.logs import Profiler, RunLog
from arbsr_jax.train.loop import RunContext, run_steps
from arbsr_jax.train.optimizer import learning_rate
from arbsr_jax.train.plans import ScalePlan, compile_ahead, scale_plans
from arbsr_jax.train.settings import TrainConfig
from arbsr_jax.train.start import batch_plan, open_pools, starting_state
from arbsr_jax.train.state import TrainState, export_weights
from arbsr_jax.train.stopping import StopRequest
from arbsr_jax.train.teachers import load_output_teacher, load_teachers
from arbsr_jax.train.validation import Validation
from arbsr_jax.train.workdir import MODEL_FILE, Workdir, changes_since, open_workdir, save_config


@dataclass(frozen=True)
class Run:
    """A run that is ready for its next step.

    Attributes:
      config: what it is to do.
      workdir: the local folder of its files.
      state: that the next step begins with.
      pools: of images.
      batches: their scales.
      plans: the programs of each scale.
      context: where it reports and saves.
    """

    config: TrainConfig
    workdir: Path
    state: TrainState
    pools: Pools
    batches: pipeline.BatchPlan
    plans: Mapping[int, ScalePlan]
    context: RunContext

    def execute(self) -> None:
        """All steps that are left; then the model file.

        Raises:
          ArbsrError: training diverged, or the state cannot be saved.
          Preempted: SIGTERM or Ctrl-C arrived; the state is saved.
        """
        config, context = self.config, self.context
        pool_steps, say = config.data.pool_steps, context.log.say
        stream = pipeline.pooled_batches(self.pools, self.batches, pool_steps, int(self.state.step), say)
        try:
            with StopRequest() as stop:
                with ThreadPoolExecutor(1) as background:
                    first = background.submit(lambda: list(islice(stream, 1)))  # decoded while programs are compiled
                    compile_ahead(self.plans, self.batches, self.state, say)
                state = run_steps(config, self.state, chain(first.result(), stream), self.plans, context, stop)
        finally:
            context.checkpoints.close()
        if jax.process_index() == 0:
            provenance = {**context.provenance, "steps": int(state.step)}
            save_model(self.workdir / MODEL_FILE, config.model, export_weights(state, config.ema), provenance)


def prepare(
    config: TrainConfig, sources: Sequence[str], place: Workdir, log: RunLog, changes: Sequence[str] = ()
) -> Run:
    """Everything before the first step: teachers, images, and the newest checkpoint, if there is one.

    Args:
      config: a recipe.
      sources: of photographs.
      place: where the run keeps its files.
      log: of the run.
      changes: since the last start there, for the log.

    Raises:
      ArbsrError: the sources, the teachers or the workdir cannot be used, or nothing is left to train.
    """
    teachers, batches = load_teachers(config.teachers.files, config.model), batch_plan(config)
    pools = open_pools(config, sources, batches, log.say)
    state = starting_state(config, teachers, log.say, pools.images)
    checkpoints = TrainingCheckpoints(place.checkpoints, config.keep, log.say)
    state = checkpoints.restore_latest(state) or state
    start = int(state.step)
    if start > config.steps:
        raise ArbsrError(
            f"{place.name}: {start} steps are done, config.steps={config.steps}; nothing is left to train: "
            "give more steps, or another --workdir"
        )
    for change in changes if start else ():
        log.say(f"changed since the last start: {change}")
    save_config(place.local, config, sources)
    log.say(
        f"{count_parameters(state.parameters):,} parameters; {jax.process_count()} processes, {jax.device_count()} x "
        f"{jax.devices()[0].device_kind}; from step {start} to {config.steps}"
    )
    provenance = {
        "name": allowed_name(Path(place.name).resolve().name),
        "trained_with": "train.py",
        "config": dataclasses.asdict(config),
        "data": [Path(name).name for name in sources],
    }
    context = RunContext(
        log,
        checkpoints,
        Validation(config.validation, config.model, place.local, log.say),
        learning_rate(config.optimizer, config.steps),
        provenance,
        Profiler(config.profiled, place.local),
        place.store,
    )
    plans = scale_plans(config, teachers, batches, load_output_teacher(config.teachers.output))
    return Run(config, place.local, state, pools, batches, plans, context)


def train(config: TrainConfig, sources: Sequence[str], workdir: str | Path) -> str:
    """Train as `config` says on the images of `sources`; go on from the newest checkpoint in `workdir`.

    Args:
      config: a recipe.
      sources: of photographs.
      workdir: a folder, or a place on an object store such as gs://bucket/run.

    Returns:
      Where the model file is that `evaluate.py` reads.

    Raises:
      ArbsrError: the sources, the teachers or the workdir cannot be used; or training diverged.
      Preempted: SIGTERM or Ctrl-C arrived; the state is saved, and the next start resumes there.
    """
    pipeline.hide_accelerators()
    with open_workdir(str(workdir)) as place:
        try:
            changes = changes_since(place, config, sources)
            with closing(RunLog(place.local)) as log:
                prepare(config, sources, place, log, changes).execute()
        except OSError as error:
            raise ArbsrError(f"{place.name}: {reason(error)}; start again when that is mended") from None
        return f"{place.name}/{MODEL_FILE}"
