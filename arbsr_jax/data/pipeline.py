"""Batches of training pairs by tf.data: a pure function of (seed, step, process, config)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from jaxtyping import Float32, Int32, UInt8

from arbsr_jax.data.degradations import PhotoDegradations
from arbsr_jax.data.patches import PatchMaker, canvas_side, patch_side, plan_axis
from arbsr_jax.data.store import ImageStore, Pools, decode
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import Scale

PREFETCH = 8  # batches ahead


class Batch(NamedTuple):
    """Pairs of one scale, this process's share."""

    lr: UInt8[np.ndarray, "batch patch patch 3"]
    hr: UInt8[np.ndarray, "batch canvas canvas 3"]  # zero beyond the HR size
    scale_index: int


@dataclass(frozen=True)
class BatchPlan:
    """What every batch of a run is, before any image is read.

    Attributes:
      scales: all scales of the run.
      schedule: for every step the index of its scale.
      patch: side of LR patches in pixels.
      batch: pairs per step over all processes.
      seed: of all random choices.
      process: number of this process, from 0; each gets its part of the same global batch.
      processes: how many there are.
      candidates: random crops from which the most detailed one is taken; 1: the first.
      hr_shares: for every step the share of HR images in their mix with teachers' pictures; None: HR images alone.
      lr_of_photographs: whether LR patches are made of HR images alone, not of the mix.
      degraded: whether LR patches suffer what photographs do.
    """

    scales: Sequence[Scale]
    schedule: Int32[np.ndarray, "steps"]
    patch: int
    batch: int
    seed: int
    process: int = 0
    processes: int = 1
    candidates: int = 1
    hr_shares: Float32[np.ndarray, "steps"] | None = None
    lr_of_photographs: bool = False
    degraded: bool = False

    def __post_init__(self) -> None:
        if self.batch % self.processes:
            words = f"a batch of {self.batch} does not divide among {self.processes} processes"
            raise ArbsrError(f"{words}; use a multiple")

    @property
    def patches(self) -> list[int]:
        """For each scale the side of its LR patches, see `patch_side`."""
        return [patch_side(scale, self.patch) for scale in self.scales]

    @property
    def canvases(self) -> list[int]:
        """For each scale the side of its HR canvas, see `canvas_side`."""
        return [canvas_side(scale, self.patch) for scale in self.scales]

    @property
    def phases(self) -> int:
        """The largest number of phases that an axis has at any of the scales."""
        return max(max(scale.vertical.numerator, scale.horizontal.numerator) for scale in self.scales)

    @property
    def smallest_image(self) -> tuple[int, int]:
        """(height, width) in pixels that an image needs for any of the scales, whichever way round.

        Raises:
          ArbsrError: the patch does not fit a scale.
        """
        sides = zip(self.scales, self.patches, strict=True)
        axes = {(factor, side) for scale, side in sides for factor in (scale.vertical, scale.horizontal)}
        plans = [plan_axis(factor, side) for factor, side in axes]
        side = max(plan.crop + plan.origin_step for plan in plans) + 2 * PhotoDegradations.reach * self.degraded
        return side, side


def hide_accelerators() -> None:
    """Keep TensorFlow off the devices that JAX computes on."""
    for kind in ("GPU", "TPU"):
        tf.config.set_visible_devices([], kind)


def batches(store: ImageStore, plan: BatchPlan, start: int = 0, stop: int | None = None) -> Iterator[Batch]:
    """The batches of steps `start` to `stop` (default: all) from one store of images."""
    kinds = {"lr_of_photographs": plan.lr_of_photographs, "degraded": plan.degraded}
    make_patch = PatchMaker(store, plan.scales, plan.patch, plan.seed, plan.candidates, **kinds)
    local = plan.batch // plan.processes
    canvases, schedule = tf.constant(plan.canvases, tf.int64), tf.constant(plan.schedule)
    hr_shares = tf.constant(np.ones(len(schedule), np.float32) if plan.hr_shares is None else plan.hr_shares)
    stop = len(plan.schedule) if stop is None else stop

    @tf.autograph.experimental.do_not_convert  # all of it is TensorFlow's already; looking for more takes two seconds
    def pair(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        step, slot = tf.math.floordiv(number, local), tf.math.floormod(number, local)
        scale_index = tf.gather(schedule, step)
        sample = step * plan.batch + plan.process * local + slot
        canvas, hr_share = tf.gather(canvases, scale_index), tf.gather(hr_shares, step)
        return *make_patch(sample, scale_index, canvas, hr_share), scale_index

    numbers = tf.data.Dataset.range(start * local, stop * local)
    # Tuned by itself, the pipeline would take seconds to be taken down, and with it a run that SIGTERM ends.
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False  # they copy all images into the graph
    pairs = numbers.map(pair, num_parallel_calls=os.cpu_count(), deterministic=True)
    pairs = pairs.batch(local).prefetch(PREFETCH).with_options(options)
    for lr, hr, scale_index in pairs.as_numpy_iterator():
        yield Batch(lr, hr, int(scale_index[0]))


def pooled_batches(
    pools: Pools, plan: BatchPlan, steps_per_pool: int, start: int, warn: Callable[[str], None]
) -> Iterator[Batch]:
    """Batches from step `start` on, out of one pool of images after the other; the next is decoded meanwhile."""
    total = len(plan.schedule)
    steps_per_pool = total if pools.fits else steps_per_pool
    with ThreadPoolExecutor(max_workers=1) as background:

        def ahead(number: int) -> Future[ImageStore] | None:
            return background.submit(decode, pools[number], warn) if number * steps_per_pool < total else None

        coming = ahead(start // steps_per_pool) if start < total else None
        while coming is not None:
            store, number = coming.result(), start // steps_per_pool
            stop = min(total, (number + 1) * steps_per_pool)
            coming = ahead(number + 1)
            yield from batches(store, plan, start, stop)
            start = stop
