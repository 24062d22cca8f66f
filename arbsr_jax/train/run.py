"""A training run from config to model file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain, islice
from pathlib import Path

import jax
from ml_collections import ConfigDict

from arbsr_jax.data import pipeline
from arbsr_jax.data.sources import TrainingImage, training_images
from arbsr_jax.data.store import Pools, decoded_bytes
from arbsr_jax.data.teaching import attach_teacher_targets
from arbsr_jax.errors import ArbsrError, reason
from arbsr_jax.imaging.scale import PICTURE_SCALES, Scale
from arbsr_jax.model_file import allowed_name, few, save_model
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.network import initialize
from arbsr_jax.models.parameters import count_parameters, flatten_parameters
from arbsr_jax.train.checkpoints import TrainingCheckpoints
from arbsr_jax.train.logs import RunLog
from arbsr_jax.train.loop import RunContext, run_steps
from arbsr_jax.train.norms import MASK, add_norms, example_images, unfold_batch_norm
from arbsr_jax.train.optimizer import learning_rate, optimizer_of
from arbsr_jax.train.plans import compile_ahead, scale_plans
from arbsr_jax.train.profiling import Profiler
from arbsr_jax.train.schedule import CLEANING, hr_shares, scale_schedule, training_scales
from arbsr_jax.train.state import TrainState, export_weights, init_from, init_from_teacher, init_state
from arbsr_jax.train.stopping import StopRequest
from arbsr_jax.train.teachers import START_SCALE, Teacher, load_output_teacher, load_teachers
from arbsr_jax.train.validation import Validation
from arbsr_jax.train.workdir import MODEL_FILE, Workdir, changes_since, open_workdir, save_config

DEGRADATIONS = "none", "photo"
EXAMPLES = 8  # photographs to take the masks' statistics from


def train(config: ConfigDict, sources: Sequence[str], workdir: str | Path) -> str:
    """Train as `config` says on the images of `sources`; go on from the newest checkpoint in `workdir`.

    Args:
      config: a recipe.
      sources: of photographs.
      workdir: a folder, or a place on an object store such as gs://bucket/run.

    Returns:
      Where the model file is that `evaluate.py` reads.

    Raises:
      ArbsrError: the config, the sources, the teachers or the workdir cannot be used; or training diverged.
      Preempted: SIGTERM or Ctrl-C arrived; the state is saved, and the next start resumes there.
    """
    for name, value in (("steps", config.steps), ("data.batch", config.data.batch)):
        if value < 1:
            raise ArbsrError(f"config.{name}={value}; at least 1 is needed")
    pipeline.hide_accelerators()
    with open_workdir(str(workdir)) as place:
        try:
            changes = changes_since(place, config, sources)
            with closing(RunLog(place.local)) as log:
                _train(config, sources, place, log, changes)
        except OSError as error:
            raise ArbsrError(f"{place.name}: {reason(error)}; start again when that is mended") from None
        return f"{place.name}/{MODEL_FILE}"


def _train(config: ConfigDict, sources: Sequence[str], place: Workdir, log: RunLog, changes: list[str]) -> None:
    model, workdir = ModelConfig.from_dict(config.model.to_dict()), place.local
    teachers = load_teachers(_teacher_files(config), model)
    plan = batch_plan(config, model)
    pools = _pools(config, sources, plan, log)

    state = starting_state(config, model, teachers, log.say, pools.images)
    checkpoints = TrainingCheckpoints(place.checkpoints, config.keep, log.say)
    state = checkpoints.restore_latest(state) or state
    provenance = {
        "name": allowed_name(Path(place.name).resolve().name),
        "trained_with": "train.py",
        "config": config.to_dict(),
        "data": [Path(name).name for name in sources],
    }
    context = RunContext(
        log,
        checkpoints,
        Validation(config.validation, model, workdir, log.say),
        learning_rate(config.optimizer, config.steps),
        provenance,
        Profiler(config.profile, workdir),
        place.store,
    )
    start = int(state.step)
    if start > config.steps:
        raise ArbsrError(
            f"{place.name}: {start} steps are done, config.steps={config.steps}; nothing is left to train: "
            "give more steps, or another --workdir"
        )
    for change in changes if start else ():
        log.say(f"changed since the last start: {change}")
    save_config(workdir, config, sources)
    log.say(
        f"{count_parameters(state.parameters):,} parameters; {jax.process_count()} processes, {jax.device_count()} x "
        f"{jax.devices()[0].device_kind}; from step {start} to {config.steps}"
    )
    stream = pipeline.pooled_batches(pools, plan, config.data.pool_steps, start, log.say)
    plans = scale_plans(config, model, teachers, plan, load_output_teacher(config.teachers.output))
    try:
        with StopRequest() as stop:
            with ThreadPoolExecutor(1) as background:
                first = background.submit(lambda: list(islice(stream, 1)))  # decoded while programs are compiled
                compile_ahead(plans, plan, state, log.say)
            state = run_steps(config, state, chain(first.result(), stream), plans, context, stop)
    finally:
        checkpoints.close()
    if jax.process_index() == 0:
        weights = export_weights(state, config.ema)
        save_model(workdir / MODEL_FILE, model, weights, {**provenance, "steps": int(state.step)})


def batch_plan(config: ConfigDict, model: ModelConfig) -> pipeline.BatchPlan:
    """Scales, schedule and shares of the batches of a run."""
    data = config.data
    if data.degradations not in DEGRADATIONS:
        allowed = ", ".join(DEGRADATIONS)
        raise ArbsrError(f"config.data.degradations={data.degradations!r}; allowed: {allowed}")
    scales = [Scale.of(model.scale)] if model.scale else training_scales(data.asymmetric, data.largest)
    scales += [CLEANING] if data.cleaning_share and not model.scale else []
    shares = data.symmetric_share, data.large_share, data.cleaning_share
    return pipeline.BatchPlan(
        scales,
        scale_schedule(scales, config.steps, data.integer_steps, config.seed, *shares),
        data.patch,
        data.batch,
        config.seed,
        jax.process_index(),
        jax.process_count(),
        data.candidates,
        hr_shares(config.teachers, config.steps) if config.teachers.pictures else None,
        config.teachers.lr_of_photographs,
        data.degradations != "none",
    )


def starting_state(
    config: ConfigDict,
    model: ModelConfig,
    teachers: dict[int, Teacher],
    say: Callable[[str], None],
    photographs: Sequence[TrainingImage] = (),
) -> TrainState:
    """Fresh parameters with the layers of `config.init_from`, else with the backbone of the x4 teacher, if any.

    The norms of masks that `config.init_from` gives are taken from some of the photographs.
    """
    if not 0 <= config.ema < 1:
        raise ArbsrError(f"config.ema={config.ema}; allowed is 0 (no averaging) to below 1, such as 0.999")
    parameters, given = initialize(model, config.seed), set()
    if config.init_from:
        parameters, given = init_from(parameters, config.init_from)
        leaves = flatten_parameters(parameters)
        stayed = sorted({path.split("/")[0] for path in leaves.keys() - given})
        say(f"starts from {config.init_from}: {len(given)} of {len(leaves)} arrays; fresh: {few(stayed)}")
    elif START_SCALE in teachers:
        parameters = init_from_teacher(parameters, teachers[START_SCALE].parameters, config.teachers.copy_ends)
    if config.normalized_masks and any(MASK in path for path in given):
        examples = example_images([image.load for image in photographs], EXAMPLES)
        parameters, anew = unfold_batch_norm(model, parameters, examples)
        say(f"masks that start anew, since they are saturated: {', '.join(map(str, anew)) or 'none'}")
    elif config.normalized_masks:
        parameters = add_norms(parameters)
    return init_state(parameters, optimizer_of(config.optimizer), config.ema > 0)


def _teacher_files(config: ConfigDict) -> dict[int, str]:
    files = {scale: config.teachers[f"x{scale}"] for scale in (2, 3, 4)}
    if config.teachers.weight and not config.model.scale:
        missing = [f"config.teachers.x{scale}" for scale, file in files.items() if not file]
        if missing:
            raise ArbsrError(
                f"{', '.join(missing)} not given: name the scale-specific networks' files, or train without transfer "
                "by --config.teachers.weight=0"
            )
    return {scale: file for scale, file in files.items() if file}


def _pools(config: ConfigDict, sources: Sequence[str], plan: pipeline.BatchPlan, log: RunLog) -> Pools:
    images = training_images(sources, plan.smallest_image, log.say)
    if config.teachers.pictures:
        images = attach_teacher_targets(images, Path(config.teachers.pictures))
        made = {k: sum(k in image.pictures for image in images) for k in PICTURE_SCALES}
        log.say("teachers' pictures: " + ", ".join(f"{count} at x{k}" for k, count in made.items()))
    pools = Pools(images, int(config.data.memory_gb * 1e9), config.seed, plan.process, plan.processes)
    pixels = sum(image.size[0] * image.size[1] for image in images)
    log.say(f"{len(images)} images, {pixels / 1e6:.0f} Mpx, {decoded_bytes(images) / 1e9:.2f} GB decoded")
    beyond = f"more than config.data.memory_gb={config.data.memory_gb}: "
    if len(pools.images) < len(images):
        log.say(f"{beyond}each process reads its share alone, {len(pools.images)} of them")
    if not pools.fits:
        log.say(f"{beyond}{len(pools[0])} at a time, exchanged every {config.data.pool_steps} steps")
    return pools
