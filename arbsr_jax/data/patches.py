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

from arbsr_jax.data.degradations import PhotoDegradations
from arbsr_jax.data.store import ImageStore
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.resize import TIE, contributions
from arbsr_jax.imaging.scale import PAPER_LARGEST, PICTURE_SCALES, Scale

AXIS_FIELDS = ("origin_step", "margin", "crop", "length", "reach", "blocks")
PatchPlace = tuple[Any, Any, Any]  # number of the image, first row and column of the crop
PERIOD = 10  # LR pixels after which the grids of all training scales meet: their factors are tenths


@dataclass(frozen=True)
class AxisPlan:
    """How to cut and shrink one axis by one factor; lengths in pixels."""

    factor: Fraction
    origin_step: int  # HR origins are multiples of it
    margin: int  # HR pixels before the patch
    crop: int  # HR pixels with both margins
    length: int  # HR pixels of the patch
    reach: int  # HR pixels under one block of LR pixels
    blocks: int  # of LR pixels
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
    return AxisPlan(factor, factor.numerator, margin, length - step + reach, length, reach, patch // block, matrix)


def patch_side(scale: Scale, patch: int) -> int:
    """Side of the LR patches of a scale: `patch`, above x4 about half of it, so that HR crops grow no further."""
    return patch if scale.larger <= PAPER_LARGEST else max(PERIOD, patch // 2 // PERIOD * PERIOD)


def canvas_side(scale: Scale, patch: int) -> int:
    """Side of the HR canvas of a scale: its LR patch times the larger factor, that rounded up.

    So the scales up to x4 share three canvases, and with them three compiled programs; those above share one.
    """
    side = patch_side(scale, patch) * max(2, math.ceil(scale.larger))
    return side if scale.larger <= PAPER_LARGEST else max(side, int(PAPER_LARGEST * patch))


def block_length(factors: Sequence[Fraction], patch: int) -> int:
    """LR pixels after which the weights of every factor repeat, if they do so within a patch; else the patch."""
    period = math.lcm(*(factor.denominator for factor in factors))
    return period if patch % period == 0 else patch


def picture_index(scale: Scale) -> int:
    """Which of a photograph's pictures teaches a scale: of the next whole factor, or the last."""
    return next((n for n, k in enumerate(PICTURE_SCALES) if k >= scale.larger), len(PICTURE_SCALES) - 1)


def mixed(hr: tf.Tensor, picture: tf.Tensor, hr_share: Any) -> tf.Tensor:
    """`hr_share` of the HR pixels and the rest of the picture's, rounded half up to uint8."""
    share = tf.cast(hr_share, tf.float32)
    return tf.cast(
        tf.floor(share * tf.cast(hr, tf.float32) + (1 - share) * tf.cast(picture, tf.float32) + 0.5), tf.uint8
    )


class PatchMaker:
    """Cuts pairs out of a store of images, all with TensorFlow operations."""

    def __init__(
        self,
        store: ImageStore,
        scales: Sequence[Scale],
        patch: int,
        seed: int,
        candidates: int = 1,
        *,
        lr_of_photographs: bool = False,
        degraded: bool = False,
    ) -> None:
        """Plan the cuts.

        Args:
          store: of the images.
          scales: of the pairs.
          patch: side of LR patches in pixels.
          seed: of all draws.
          candidates: random crops from which the most detailed one is taken.
          lr_of_photographs: whether LR patches are made of HR images also where pictures are mixed in.
          degraded: whether LR patches suffer what photographs do, see `PhotoDegradations`.
        """
        self._lr_of_photographs = lr_of_photographs
        self._degradations = PhotoDegradations(seed) if degraded else None
        self._rim = PhotoDegradations.reach if degraded else 0  # pixels around a crop and its margins
        sides = [patch_side(scale, patch) for scale in scales]
        pairs = [(factor, side) for s, side in zip(scales, sides, strict=True) for factor in (s.vertical, s.horizontal)]
        axes = sorted(set(pairs))
        blocks = {side: block_length([factor for factor, of in axes if of == side], side) for side in set(sides)}
        plans = [plan_axis(factor, side, blocks[side]) for factor, side in axes]
        shape = np.max([plan.weights.shape for plan in plans], axis=0)
        weights = [np.pad(p.weights, [(0, more) for more in shape - p.weights.shape]) for p in plans]
        self.seed, self.candidates = seed, candidates
        self._pixels = tf.experimental.dlpack.from_dlpack(store.pixels.__dlpack__())  # tf.constant would copy them
        self._offsets = tf.constant(store.offsets)
        self._sizes, self._pictures = tf.constant(store.sizes), tf.constant(store.pictures)
        self._by_area = tf.constant(np.cumsum(np.prod(store.sizes, axis=1)) / np.prod(store.sizes, axis=1).sum())
        self._axes = tf.constant([[getattr(plan, name) for name in AXIS_FIELDS] for plan in plans], tf.int64)
        self._weights = tf.constant(np.stack(weights))
        of_scale = np.array([axes.index(pair) for pair in pairs], np.int32).reshape(-1, 2)
        self._scale_axes, self._patches = tf.constant(of_scale), tf.constant(sides, tf.int64)
        self._teachers = tf.constant([picture_index(scale) for scale in scales], tf.int32)

    def __call__(self, sample: Any, scale_index: Any, canvas: Any, hr_share: Any = 1.0) -> tuple[tf.Tensor, tf.Tensor]:
        """Pair number `sample` of this seed at a scale: uint8 LR [patch, patch, 3], and HR padded to `canvas`².

        Args:
          sample: counted from 0 over all steps.
          scale_index: of the scales.
          canvas: side in pixels of the HR array.
          hr_share: of the HR image in the mix with its teacher's picture, 0 to 1. Where there is no picture it is 1.
        """
        draw = tf.random.stateless_uniform([6], tf.stack([tf.constant(self.seed, tf.int64), sample]), dtype=tf.float64)
        flipped, transpose = tf.boolean_mask([0, 1], draw[3:5] < 0.5), draw[5] < 0.5
        axes = tf.gather(self._scale_axes, scale_index)
        # A transpose swaps the factors: cut for the swapped pair, so that after it the batch's own pair holds.
        axes = tf.where(transpose, axes[::-1], axes)
        place = self._most_detailed(draw[:3], sample, axes)
        crop, (vertical, horizontal) = self._cut(self._offsets, place, axes), tf.unstack(tf.gather(self._axes, axes))
        pictures = self._pictures[:, self._teachers[scale_index]]
        taught = (hr_share < 1) & (pictures[place[0]] >= 0)
        target = tf.cond(taught, lambda: mixed(crop, self._cut(pictures, place, axes), hr_share), lambda: crop)
        side, source = self._patches[scale_index], crop if self._lr_of_photographs else target
        if self._degradations:
            source = self._degradations.of_hr(source, sample)
            target = target[self._rim : -self._rim, self._rim : -self._rim]
        lr = self._downsample(source, axes, side)
        if self._degradations:
            lr = self._degradations.of_lr(lr, sample)
        hr = target[vertical[1] : vertical[1] + vertical[3], horizontal[1] : horizontal[1] + horizontal[3]]
        # tf.reverse: slices with a step of -1 take ten times as long.
        pair = [tf.reverse(image, flipped) for image in (lr, hr)]
        lr, hr = (tf.cond(transpose, lambda i=image: tf.transpose(i, [1, 0, 2]), lambda i=image: i) for image in pair)
        beyond = tf.cast(canvas, tf.int32) - tf.shape(hr)[:2]
        hr = tf.pad(hr, tf.stack([[0, beyond[0]], [0, beyond[1]], [0, 0]]))
        return tf.ensure_shape(lr, [None, None, 3]), tf.ensure_shape(hr, [None, None, 3])

    def _most_detailed(self, draw: tf.Tensor, sample: Any, axes: tf.Tensor) -> PatchPlace:
        """Of several random crops the one whose neighbouring pixels differ most; the first is `draw`'s."""
        if self.candidates == 1:
            return self._place(draw, axes)
        seed = tf.stack([tf.constant(self.seed, tf.int64), -1 - sample])  # of no pair's own draw
        others = tf.random.stateless_uniform([self.candidates - 1, 3], seed, dtype=tf.float64)
        places = [self._place(one, axes) for one in (draw, *tf.unstack(others))]
        crops = [tf.cast(self._cut(self._offsets, place, axes), tf.float32) for place in places]
        best = tf.argmax(tf.stack([tf.reduce_sum(tf.image.total_variation(crop)) for crop in crops]))
        return tuple(tf.stack(parts)[best] for parts in zip(*places, strict=True))

    def _place(self, draw: tf.Tensor, axes: tf.Tensor) -> PatchPlace:
        """A random place: the image drawn by its area, the origin where both pixel grids meet."""
        image = tf.searchsorted(self._by_area, draw[:1], side="right")[0]
        size, starts = tf.gather(self._sizes, image), []
        for axis, plan in enumerate(tf.unstack(tf.gather(self._axes, axes))):
            step, margin, crop, *_ = tf.unstack(plan)
            margin, crop = margin + self._rim, crop + 2 * self._rim
            first = -(-margin // step)
            last = (size[axis] - crop + margin) // step
            place = first + tf.cast(draw[1 + axis] * tf.cast(last - first + 1, tf.float64), tf.int64)
            starts.append(place * step - margin)
        return image, *starts

    def _cut(self, offsets: tf.Tensor, place: PatchPlace, axes: tf.Tensor) -> tf.Tensor:
        """The crop with margins at a place, of the images that begin at some offsets."""
        image, top, left = place
        width = tf.gather(self._sizes, image)[1]
        height_of, width_of = (plan[2] + 2 * self._rim for plan in tf.unstack(tf.gather(self._axes, axes)))
        begin = tf.gather(offsets, image) + top * width * 3
        rows = tf.reshape(tf.slice(self._pixels, [begin], [height_of * width * 3]), [height_of, width, 3])
        return tf.slice(rows, [0 * left, left, 0 * left], [height_of, width_of, 3 + 0 * left])

    def _downsample(self, crop: tf.Tensor, axes: tf.Tensor, side: tf.Tensor) -> tf.Tensor:
        """`imresize` of the crop without borders to `side` pixels, rounded to uint8 after each pass as there."""
        image = tf.cast(crop, tf.float64)

        def rows(x: tf.Tensor, axis: int) -> tf.Tensor:
            width = tf.shape(x)[1]
            *_, length, reach, blocks = tf.unstack(self._axes[axes[axis]])
            first = tf.range(blocks, dtype=tf.int64) * (length // blocks)
            parts = tf.gather(x, first[:, None] + tf.range(reach))
            weights = self._weights[axes[axis]][: side // blocks, :reach]
            lines = tf.matmul(weights, tf.reshape(parts, [blocks, reach, -1]))
            return self._rounded(tf.reshape(lines, [side, tf.cast(width, tf.int64), 3]))

        def columns(x: tf.Tensor) -> tf.Tensor:
            return tf.transpose(rows(tf.transpose(x, [1, 0, 2]), 1), [1, 0, 2])

        # Axes are sorted by factor: the larger index shrinks more, and imresize takes it first (rows on ties).
        image = tf.cond(axes[0] >= axes[1], lambda: columns(rows(image, 0)), lambda: rows(columns(image), 0))
        return tf.cast(image, tf.uint8)

    @staticmethod
    def _rounded(x: tf.Tensor) -> tf.Tensor:
        return tf.clip_by_value(tf.floor(x + (0.5 + TIE)), 0.0, 255.0)
