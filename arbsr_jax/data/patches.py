"""One training pair: an HR crop, and the LR patch that the whole downsampled image would have there.

The LR image is never made. HR origins are multiples of p (scale p/q), where both pixel grids meet, and the crop has
margins as wide as the resizing kernel; the LR patch then equals that part of the resized whole to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import tensorflow as tf

from arbsr_jax.data.store import ImageStore
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.resize import TIE, contributions
from arbsr_jax.imaging.scale import Scale

AXIS_FIELDS = ("origin_step", "margin", "crop", "length", "reach")


@dataclass(frozen=True)
class AxisPlan:
    """How to cut and shrink one axis by one factor; lengths in pixels."""

    factor: Fraction
    origin_step: int  # HR origins are multiples of it
    margin: int  # HR pixels before the patch
    crop: int  # HR pixels with both margins
    length: int  # HR pixels of the patch
    reach: int  # HR pixels under one block of LR pixels
    weights: np.ndarray  # [block, reach], float64; the same for every block


def plan_axis(factor: Fraction, patch: int, block: int | None = None) -> AxisPlan:
    """The plan for LR patches of `patch` pixels, made `block` pixels (default: all) at a time.

    Raises:
      ArbsrError: patch times factor is no whole number, so a flipped pair would not fit together.
    """
    if (patch * factor).denominator != 1:
        raise ArbsrError(
            f"patch {patch} times scale {float(factor)} is not whole; use a multiple of {factor.denominator}"
        )
    block = block or patch
    length, step = int(patch * factor), int(block * factor)
    taps, weights = contributions(factor, block)
    margin = max(0, -int(taps.min()))
    reach = max(step, int(taps.max()) + 1) + margin
    matrix = np.zeros((block, reach))
    np.put_along_axis(matrix, taps + margin, weights, axis=1)
    return AxisPlan(factor, factor.numerator, margin, length - step + reach, length, reach, matrix)


def block_length(factors: Sequence[Fraction], patch: int) -> int:
    """LR pixels after which the weights of every factor repeat, if they do so within a patch; else the patch."""
    period = math.lcm(*(factor.denominator for factor in factors))
    return period if patch % period == 0 else patch


class PatchMaker:
    """Cuts pairs out of a store of images, all with TensorFlow operations."""

    def __init__(self, store: ImageStore, scales: Sequence[Scale], patch: int, seed: int, candidates: int = 1) -> None:
        factors = sorted({factor for scale in scales for factor in (scale.vertical, scale.horizontal)})
        block = block_length(factors, patch)
        plans = [plan_axis(factor, patch, block) for factor in factors]
        widest = max(plan.reach for plan in plans)
        self.patch, self.seed, self.candidates, self._blocks = patch, seed, candidates, patch // block
        self._pixels, self._offsets = tf.constant(store.pixels), tf.constant(store.offsets)
        self._sizes = tf.constant(store.sizes)
        self._by_area = tf.constant(np.cumsum(np.prod(store.sizes, axis=1)) / np.prod(store.sizes, axis=1).sum())
        self._axes = tf.constant([[getattr(plan, name) for name in AXIS_FIELDS] for plan in plans], tf.int64)
        self._weights = tf.constant(np.stack([np.pad(p.weights, ((0, 0), (0, widest - p.reach))) for p in plans]))
        axes = [(factors.index(scale.vertical), factors.index(scale.horizontal)) for scale in scales]
        self._scale_axes = tf.constant(axes, tf.int32)

    def __call__(self, sample: Any, scale_index: Any, canvas: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Pair number `sample` of this seed at a scale: uint8 LR [patch, patch, 3], and HR padded to `canvas`²."""
        draw = tf.random.stateless_uniform([6], tf.stack([tf.constant(self.seed, tf.int64), sample]), dtype=tf.float64)
        flipped, transpose = tf.boolean_mask([0, 1], draw[3:5] < 0.5), draw[5] < 0.5
        axes = tf.gather(self._scale_axes, scale_index)
        # A transpose swaps the factors: cut for the swapped pair, so that after it the batch's own pair holds.
        axes = tf.where(transpose, axes[::-1], axes)
        crop, (vertical, horizontal) = self._most_detailed(draw[:3], sample, axes)
        lr = self._downsample(crop, axes)
        hr = crop[vertical[1] : vertical[1] + vertical[3], horizontal[1] : horizontal[1] + horizontal[3]]
        # tf.reverse: slices with a step of -1 take ten times as long.
        pair = [tf.reverse(image, flipped) for image in (lr, hr)]
        lr, hr = (tf.cond(transpose, lambda i=image: tf.transpose(i, [1, 0, 2]), lambda i=image: i) for image in pair)
        beyond = tf.cast(canvas, tf.int32) - tf.shape(hr)[:2]
        hr = tf.pad(hr, tf.stack([[0, beyond[0]], [0, beyond[1]], [0, 0]]))
        return tf.ensure_shape(lr, [self.patch, self.patch, 3]), tf.ensure_shape(hr, [None, None, 3])

    def _most_detailed(
        self, draw: tf.Tensor, sample: Any, axes: tf.Tensor
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
        """Of several random crops the one whose neighbouring pixels differ most; the first is `draw`'s."""
        first, plans = self._crop(draw, axes)
        if self.candidates == 1:
            return first, plans
        seed = tf.stack([tf.constant(self.seed, tf.int64), -1 - sample])  # of no pair's own draw
        others = tf.random.stateless_uniform([self.candidates - 1, 3], seed, dtype=tf.float64)
        crops = [first, *(self._crop(others[n], axes)[0] for n in range(self.candidates - 1))]
        details = [tf.reduce_sum(tf.image.total_variation(tf.cast(crop, tf.float32))) for crop in crops]
        return tf.stack(crops)[tf.argmax(tf.stack(details))], plans

    def _crop(self, draw: tf.Tensor, axes: tf.Tensor) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
        """A random crop with margins: the image drawn by its area, the origin where both pixel grids meet."""
        image = tf.searchsorted(self._by_area, draw[:1], side="right")[0]
        plans = tf.gather(self._axes, axes)
        size = tf.gather(self._sizes, image)
        starts = []
        for axis in range(2):
            step, margin, crop, *_ = tf.unstack(plans[axis])
            first = -(-margin // step)
            last = (size[axis] - crop + margin) // step
            place = first + tf.cast(draw[1 + axis] * tf.cast(last - first + 1, tf.float64), tf.int64)
            starts.append(place * step - margin)
        row_bytes = size[1] * 3
        begin = tf.gather(self._offsets, image) + starts[0] * row_bytes
        rows = tf.reshape(tf.slice(self._pixels, [begin], [plans[0, 2] * row_bytes]), [plans[0, 2], size[1], 3])
        zero = tf.zeros_like(starts[1])
        crop = tf.slice(rows, [zero, starts[1], zero], [plans[0, 2], plans[1, 2], zero + 3])
        return crop, (plans[0], plans[1])

    def _downsample(self, crop: tf.Tensor, axes: tf.Tensor) -> tf.Tensor:
        """`imresize` of the crop without borders, rounded to uint8 after each pass as there."""
        image = tf.cast(crop, tf.float64)

        def rows(x: tf.Tensor, axis: int) -> tf.Tensor:
            width = tf.shape(x)[1]
            *_, length, reach = tf.unstack(self._axes[axes[axis]])
            first = tf.range(self._blocks, dtype=tf.int64) * (length // self._blocks)
            parts = tf.gather(x, first[:, None] + tf.range(reach))
            lines = tf.matmul(self._weights[axes[axis]][:, :reach], tf.reshape(parts, [self._blocks, reach, -1]))
            return self._rounded(tf.reshape(lines, [self.patch, width, 3]))

        def columns(x: tf.Tensor) -> tf.Tensor:
            return tf.transpose(rows(tf.transpose(x, [1, 0, 2]), 1), [1, 0, 2])

        # Factors are sorted: the larger index shrinks more, and imresize takes that axis first (rows on ties).
        image = tf.cond(axes[0] >= axes[1], lambda: columns(rows(image, 0)), lambda: rows(columns(image), 0))
        return tf.cast(image, tf.uint8)

    @staticmethod
    def _rounded(x: tf.Tensor) -> tf.Tensor:
        return tf.clip_by_value(tf.floor(x + (0.5 + TIE)), 0.0, 255.0)
