"""Batches of training pairs by tf.data: a pure function of (seed, step, process, config)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from jaxtyping import Int32, UInt8

from arbsr_jax.data.patches import PatchMaker, plan_axis
from arbsr_jax.data.sources import ImageStore
from arbsr_jax.ops.geometry import Scale


class Batch(NamedTuple):
    """Pairs of one scale, this process's share."""

    lr: UInt8[np.ndarray, "batch patch patch 3"]
    hr: UInt8[np.ndarray, "batch canvas canvas 3"]  # zero beyond the HR size
    scale_index: int


def hide_accelerators() -> None:
    """Keep TensorFlow off the devices that JAX computes on."""
    for kind in ("GPU", "TPU"):
        tf.config.set_visible_devices([], kind)


def canvas_lengths(scales: Sequence[Scale], patch: int) -> list[int]:
    """For each scale the side of its HR canvas: patch times the larger factor, rounded up to a whole factor.

    So the scales up to x4 share three canvases, and with them three compiled programs.
    """
    return [patch * max(2, -(-max(s.vertical, s.horizontal) // 1)) for s in scales]


def smallest_image(scales: Sequence[Scale], patch: int) -> tuple[int, int]:
    """(height, width) in pixels that an image needs for any of the scales, whichever way round."""
    plans = [plan_axis(factor, patch) for scale in scales for factor in (scale.vertical, scale.horizontal)]
    side = max(plan.crop + plan.origin_step for plan in plans)
    return side, side


def batches(
    store: ImageStore,
    scales: Sequence[Scale],
    schedule: Int32[np.ndarray, "steps"],
    *,
    patch: int,
    batch: int,
    seed: int,
    start: int = 0,
    process: int = 0,
    processes: int = 1,
) -> Iterator[Batch]:
    """Batches from step `start` to the schedule's end.

    Args:
      store: decoded training images.
      scales: what the schedule's indices mean.
      schedule: index of the scale of every step.
      patch: side of LR patches in pixels.
      batch: pairs per step over all processes.
      seed: of all random choices.
      start: first step.
      process: number of this process, from 0; each gets its part of the same global batch.
      processes: how many there are.

    Raises:
      ArbsrError: the patch does not fit the scales.
    """
    make_patch = PatchMaker(store, scales, patch, seed)
    local = batch // processes
    canvases = tf.constant(canvas_lengths(scales, patch), tf.int64)
    plan = tf.constant(schedule)

    def pair(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        step, slot = number // local, number % local
        scale_index = tf.gather(plan, step)
        sample = step * batch + process * local + slot
        return *make_patch(sample, scale_index, tf.gather(canvases, scale_index)), scale_index

    numbers = tf.data.Dataset.range(start * local, len(schedule) * local)
    dataset = numbers.map(pair, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).batch(local).prefetch(4)
    for lr, hr, scale_index in dataset.as_numpy_iterator():
        yield Batch(lr, hr, int(scale_index[0]))
