"""What a run starts with: its batches, its images and its first parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import jax

from arbsr_jax.data import pipeline
from arbsr_jax.data.sources import TrainingImage, training_images
from arbsr_jax.data.store import Pools, decoded_bytes
from arbsr_jax.data.teaching import attach_teacher_targets
from arbsr_jax.errors import few
from arbsr_jax.imaging.scale import PICTURE_SCALES, Scale
from arbsr_jax.models.network import initialize
from arbsr_jax.models.parameters import flatten_parameters
from arbsr_jax.train.norms import MASK, add_norms, example_images, unfold_batch_norm
from arbsr_jax.train.optimizer import optimizer_of
from arbsr_jax.train.schedule import CLEANING, hr_shares, scale_schedule, training_scales
from arbsr_jax.train.settings import CLEAN, TrainConfig
from arbsr_jax.train.state import TrainState, init_from, init_from_teacher, init_state
from arbsr_jax.train.teachers import START_SCALE, FrozenTeacher

EXAMPLES = 8  # photographs to take the masks' statistics from


def batch_plan(config: TrainConfig) -> pipeline.BatchPlan:
    """Scales, schedule and shares of the batches of a run."""
    data, only = config.data, config.model.scale
    scales = [Scale.of(only)] if only else training_scales(data.asymmetric, data.largest)
    scales += [CLEANING] if data.cleaning_share and not only else []
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
        data.degradations != CLEAN,
    )


def open_pools(
    config: TrainConfig, sources: Sequence[str], plan: pipeline.BatchPlan, say: Callable[[str], None]
) -> Pools:
    """The images of the sources, in parts that fit the memory.

    Raises:
      ArbsrError: a source has no image that is large enough.
    """
    images = training_images(sources, plan.smallest_image, say)
    if config.teachers.pictures:
        images = attach_teacher_targets(images, Path(config.teachers.pictures))
        targets = {k: sum(k in image.pictures for image in images) for k in PICTURE_SCALES}
        say("teachers' pictures: " + ", ".join(f"{count} at x{k}" for k, count in targets.items()))
    pools = Pools(images, int(config.data.memory_gb * 1e9), config.seed, plan.process, plan.processes)
    pixels = sum(image.size[0] * image.size[1] for image in images)
    say(f"{len(images)} images, {pixels / 1e6:.0f} Mpx, {decoded_bytes(images) / 1e9:.2f} GB decoded")
    beyond = f"more than config.data.memory_gb={config.data.memory_gb}: "
    if len(pools.images) < len(images):
        say(f"{beyond}each process reads its share alone, {len(pools.images)} of them")
    if not pools.fits:
        say(f"{beyond}{len(pools[0])} at a time, exchanged every {config.data.pool_steps} steps")
    return pools


def starting_state(
    config: TrainConfig,
    teachers: dict[int, FrozenTeacher],
    say: Callable[[str], None],
    photographs: Sequence[TrainingImage] = (),
) -> TrainState:
    """Fresh parameters with the layers of `config.init_from`, else with the backbone of the x4 teacher, if any.

    The norms of masks that `config.init_from` gives are taken from some of the photographs.
    """
    parameters, given = initialize(config.model, config.seed), set()
    if config.init_from:
        parameters, given = init_from(parameters, config.init_from, backbone_only=config.init_backbone_only)
        leaves = flatten_parameters(parameters)
        stayed = sorted({path.split("/")[0] for path in leaves.keys() - given})
        say(f"starts from {config.init_from}: {len(given)} of {len(leaves)} arrays; fresh: {few(stayed)}")
    elif START_SCALE in teachers:
        parameters = init_from_teacher(parameters, teachers[START_SCALE].parameters, config.teachers.copy_ends)
    if config.normalized_masks and any(MASK in path for path in given):
        examples = example_images([image.load for image in photographs], EXAMPLES)
        parameters, reset = unfold_batch_norm(config.model, parameters, examples)
        say(f"masks that start fresh, since they are saturated: {', '.join(map(str, reset)) or 'none'}")
    elif config.normalized_masks:
        parameters = add_norms(parameters)
    return init_state(parameters, optimizer_of(config.optimizer), config.ema > 0)
