"""How LR and HR are made from an image, and at which scales: numbers of different protocols must not be compared.

docs/evaluation.md has the formulas, and what each is for. `H` is a length in pixels, `r` the factor of its axis.

standard   h = floor(H / r), HR cut to round(h r); LR = imresize(HR, h).
arbsr      s = the smallest of 1, 2, 5, 10, 20, 50 that makes s r whole; HR cut to floor(H / (s r)) s r,
           LR = imresize(HR, 1 / r), cut to a multiple of s, of 2 s if that is odd, and HR with it. What the authors'
           code does, and the paper's numbers follow. Its SSIM divides the coefficients of Y by 255 instead of 256.
metasr     4 pixels cut off HR if r does not divide H; LR = imresize(HR, 1 / r), sizes rounded up.
jpeg75 ..  `standard`, with LR damaged as the name says, see `degraded`. HR stays clean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from arbsr_jax.errors import ArbsrError
from arbsr_jax.evaluation.degraded import NAMES, OF_HR, OF_LR, damaged
from arbsr_jax.imaging.metrics import Quality, crop_border, quality_y
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale, Size, round_half_up

Image = UInt8[np.ndarray, "_ _ 3"]
STEPS = (1, 2, 5, 10, 20, 50)
METASR_CUT = 4
AUTHORS_LUMA_GAIN = 256 / 255
STANDARD = "standard"
BICUBIC = "bicubic"  # the method that is scored beside all others
HALVES = [Fraction(n, 2) for n in range(3, 9)]


def _hundredths(first: int, last: int, step: int) -> list[Scale]:
    return [Scale(Fraction(n, 100), Fraction(n, 100)) for n in range(first, last + 1, step)]


SWEEPS = {  # the scales of the paper's tables and figures
    "integer": _hundredths(200, 400, 100),
    "seen": _hundredths(110, 400, 10),
    "unseen": _hundredths(105, 395, 10),
    "large": _hundredths(600, 800, 100),
    "extrapolate": _hundredths(510, 800, 10),
    "asymmetric": [Scale(vertical, horizontal) for vertical in HALVES for horizontal in HALVES],
}


class Pair(NamedTuple):
    """LR and HR of one image at one scale."""

    lr: UInt8[np.ndarray, "height width 3"]
    hr: UInt8[np.ndarray, "hr_height hr_width 3"]


class Protocol(NamedTuple):
    """One way to make pairs, and to compare.

    Attributes:
      pair: LR and HR of an image at a scale; raises ArbsrError if it cannot.
      enlarge: bicubic interpolation of LR, of HR's size.
      by_size: whether LR and HR differ by the exact factor out / in of each axis, not by r; networks then enlarge by
        just that, else pixels at the far end would be half a pixel off.
      luma_gain: of its SSIM, what multiplies the coefficients of Y.
    """

    pair: Callable[[Image, Scale], Pair]
    enlarge: Callable[[Pair, Scale], Image]
    by_size: bool = False
    luma_gain: float = 1.0


def standard(image: Image, scale: Scale) -> Pair:
    """LR sizes rounded down, HR cut to fit.

    Raises:
      ArbsrError: the image is too small for the scale.
    """
    size = _at_least_one(image, scale, (math.floor(length / r) for length, r in _axes(image, scale)))
    hr = _cut(image, scale.output_size(*size))
    return Pair(imresize(hr, height=size[0], width=size[1]), hr)


def degraded(name: str, image: Image, scale: Scale) -> Pair:
    """Of `standard`, with damaged LR.

    Raises:
      ArbsrError: the image is too small for the scale.
    """
    lr, blurred = standard(damaged(image, name, OF_HR), scale)
    return Pair(damaged(lr, name, OF_LR), _cut(image, blurred.shape[:2]))


def arbsr(image: Image, scale: Scale) -> Pair:
    """Sizes that fit the scale exactly, and even LR sizes.

    Raises:
      ArbsrError: the image is too small for the scale, or no step makes the factor whole.
    """
    steps = [_step(r, scale) for r in (scale.vertical, scale.horizontal)]
    blocks = [math.floor(length / (s * r)) for s, (length, r) in zip(steps, _axes(image, scale), strict=True)]
    size = _at_least_one(image, scale, (count * s for count, s in zip(blocks, steps, strict=True)))
    lr = imresize(_cut(image, _whole(size, scale)), height=size[0], width=size[1])
    lr_size = [length if length % 2 == 0 else length // (2 * s) * 2 * s for length, s in zip(size, steps, strict=True)]
    lr_size = _at_least_one(image, scale, lr_size)
    return Pair(_cut(lr, lr_size), _cut(image, _whole(lr_size, scale)))


def metasr(image: Image, scale: Scale) -> Pair:
    """LR sizes rounded up.

    Raises:
      ArbsrError: the image is too small for the scale.
    """
    size = [length - METASR_CUT * (length % r != 0) for length, r in _axes(image, scale)]
    hr = _cut(image, _at_least_one(image, scale, size))
    return Pair(imresize(hr, scale=scale.inverse), hr)


def given_lr(lr: Image, image: Image, scale: Scale) -> Pair:
    """A pair of an LR image from elsewhere, and the part of HR that it shows.

    HR may be a little larger: protocols cut LR to sizes that fit the scale p/q, `arbsr` to multiples of 2q.

    Raises:
      ArbsrError: HR is smaller than LR enlarged, or so much larger that LR is of another scale.
    """
    size = scale.output_size(*lr.shape[:2])
    factors = scale.vertical, scale.horizontal
    spare = [length - enlarged for length, enlarged in zip(image.shape, size, strict=False)]
    if any(not 0 <= s <= 2 * f.numerator + math.ceil(f) for s, f in zip(spare, factors, strict=True)):
        hr = Size(*image.shape[:2])
        raise ArbsrError(f"HR has {hr} pixels, the LR file enlarged by {scale} {size}; is it of this scale?")
    return Pair(lr, _cut(image, size))


def to_size(pair: Pair, _: Scale) -> Image:
    """LR enlarged to HR's size."""
    return imresize(pair.lr, height=pair.hr.shape[0], width=pair.hr.shape[1])


def by_factor(pair: Pair, scale: Scale) -> Image:
    """LR enlarged by the factors, and cut to HR's size."""
    return _cut(imresize(pair.lr, scale=scale), pair.hr.shape[:2])


PROTOCOLS = {
    STANDARD: Protocol(standard, to_size, by_size=True),
    "arbsr": Protocol(arbsr, to_size, luma_gain=AUTHORS_LUMA_GAIN),
    "metasr": Protocol(metasr, by_factor),
    **{name: Protocol(partial(degraded, name), to_size, by_size=True) for name in NAMES},
}


def quality(sr: Image, hr: Image, scale: Scale | str, protocol: str = STANDARD) -> Quality:
    """PSNR and SSIM on Y, as a protocol compares a result with its HR image.

    Args:
      sr: the result; what is beyond HR's size at the bottom and right is left out.
      hr: the HR image, cut as the protocol cuts it.
      scale: from LR to HR, which says how wide a border is left out.
      protocol: one of PROTOCOLS.

    Raises:
      ArbsrError: the protocol is unknown.
      ValueError: the result is smaller than HR.
    """
    if protocol not in PROTOCOLS:
        raise ArbsrError(f"protocol {protocol!r} is unknown; allowed: {', '.join(PROTOCOLS)}")
    cut = sr[: hr.shape[0], : hr.shape[1]]
    return quality_y(cut, hr, crop_border(Scale.of(scale)), PROTOCOLS[protocol].luma_gain)


def _axes(image: Image, scale: Scale) -> list[tuple[int, Fraction]]:
    return [(image.shape[0], scale.vertical), (image.shape[1], scale.horizontal)]


def _cut(image: Image, size: tuple[int, int]) -> Image:
    return image[: size[0], : size[1]]


def _whole(size: tuple[int, int], scale: Scale) -> tuple[int, int]:
    return round_half_up(size[0] * scale.vertical), round_half_up(size[1] * scale.horizontal)


def _step(factor: Fraction, scale: Scale) -> int:
    for step in STEPS:
        if step * factor == int(step * factor):
            return step
    raise ArbsrError(f"scale {scale}: protocol arbsr needs factors that one of {STEPS} makes whole, as 2.5 and 1.35")


def _at_least_one(image: Image, scale: Scale, lengths: Iterable[int]) -> tuple[int, int]:
    height, width = lengths
    if min(height, width) < 1:
        raise ArbsrError(f"an image of {image.shape[1]}x{image.shape[0]} pixels is too small for scale {scale}")
    return height, width
