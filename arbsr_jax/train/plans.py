"""How the batches of every scale are computed: programs and their constants, compiled before the first step."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import jax
import numpy as np

from arbsr_jax import parallel
from arbsr_jax.data.pipeline import BatchPlan
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.parameters import DTYPES
from arbsr_jax.train.optimizer import learning_rate, optimizer_of, rate_table
from arbsr_jax.train.settings import TrainConfig
from arbsr_jax.train.state import TrainState
from arbsr_jax.train.step import Constants, make_step
from arbsr_jax.train.teachers import FrozenTeacher


@dataclass(frozen=True)
class ScalePlan:
    """How a batch of one scale is computed.

    Attributes:
      program: the step.
      constants: its arguments besides state and images.
      canvas: side of HR patches.
    """

    program: parallel.DataParallel
    constants: Constants
    canvas: int


def scale_plans(
    config: TrainConfig,
    teachers: dict[int, FrozenTeacher],
    plan: BatchPlan,
    output_teacher: FrozenTeacher | None = None,
) -> dict[int, ScalePlan]:
    """By its index, for every scale that occurs, its program and constants.

    There is transfer in the batches of a teacher's scale alone.
    """
    parts = jax.device_count() * config.data.accumulate
    if parts < 1 or config.data.batch % parts:
        words = f"{jax.device_count()} devices and config.data.accumulate={config.data.accumulate} parts"
        raise ArbsrError(f"config.data.batch={config.data.batch} does not divide among {words}; change one of them")
    optimizer, weight = optimizer_of(config.optimizer), config.teachers.weight
    rates = rate_table(learning_rate(config.optimizer, config.steps), config.steps)

    def program(teacher: FrozenTeacher | None) -> parallel.DataParallel:
        step = make_step(
            config.model,
            optimizer,
            teacher=teacher.config if teacher else None,
            transfer_weight=weight,
            output_teacher=output_teacher.config if output_teacher else None,
            output_share=config.teachers.output_share if output_teacher else 0.0,
            ema=config.ema,
            accumulate=config.data.accumulate,
            rim=config.data.rim,
            hr_stride=config.data.hr_stride,
            frozen_backbone=config.optimizer.backbone_lr_scale == 0,
            dtype=DTYPES[config.dtype],
        )
        return parallel.DataParallel(step, optimized=config.optimized)

    plain, with_transfer = program(None), {}
    if weight:
        with_transfer = {Scale.of(n): (program(teacher), teacher.parameters) for n, teacher in teachers.items()}
    # Once, for all scales.
    rates, shared = parallel.replicate((rates, output_teacher.parameters if output_teacher else None))
    plans, patches, canvases = {}, plan.patches, plan.canvases
    for index in np.unique(plan.schedule).tolist():
        scale, patch, side = plan.scales[index], patches[index], canvases[index]
        grid = make_grid(scale, scale.output_size(patch, patch), (side, side), plan.phases)
        step, parameters = with_transfer.get(scale, (plain, None))
        plans[index] = ScalePlan(step, parallel.replicate(Constants(grid, rates, parameters, shared)), side)
    return plans


def compile_ahead(
    plans: Mapping[int, ScalePlan], plan: BatchPlan, state: TrainState, say: Callable[[str], None]
) -> None:
    """Compile the programs of all batches, as many at a time as there are cores.

    XLA does most of its work on one core. Processes that train together compile the same programs.

    Args:
      plans: of the scales that occur, each with its program.
      plan: of the batches.
      state: that the steps begin with.
      say: called with a line before, and one for each program.
    """
    # Two scales share a program if their canvases and their positions have the same shapes.
    different = {(id(each.program), each.canvas): each for each in plans.values()}
    local = plan.batch // plan.processes
    count = len(different)
    say(f"compiling {count} program{'s' if count > 1 else ''} (once on this machine)")

    def compile_one(each: ScalePlan) -> str:
        begin = time.perf_counter()
        sides = (plan.patch, each.canvas)
        batch = parallel.shard(tuple(np.zeros((local, side, side, 3), np.uint8) for side in sides))
        each.program.compiled(state, batch, each.constants)
        return f"{local} x {plan.patch}² to {each.canvas}² pixels, {time.perf_counter() - begin:.1f} s"

    state = parallel.replicate(state)
    with ThreadPoolExecutor(parallel.cores()) as threads:
        for number, words in enumerate(threads.map(compile_one, different.values()), start=1):
            say(f"compiled program {number} of {count} ({words})")
