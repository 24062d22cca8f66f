"""Damage of photographs for protocols: what cameras and the web do to images, the same in every run.

A name is what is done, in order: blurS (of HR, a Gaussian of sigma S HR pixels), noiseS (of LR, Gaussian, in colour, of
sigma S grey levels), jpegQ (a file of quality Q, 4:2:0, by Pillow's libjpeg-turbo). The noise
of an image is a function of its pixels.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image
from scipy import ndimage

from arbsr_jax.imaging.resize import round_to_uint8
from arbsr_jax.typing import RGB8

NAMES = "jpeg75", "jpeg40", "noise10", "noise10-jpeg60", "blur1.2-jpeg75"
STEP = re.compile(r"(blur|noise|jpeg)([\d.]+)")
Damage = Mapping[str, Callable[[RGB8, float], RGB8]]


def blurred(image: RGB8, sigma: float) -> RGB8:
    """A Gaussian of `sigma` pixels over mirrored borders, rounded half up."""
    smooth = ndimage.gaussian_filter(image.astype(np.float64), (sigma, sigma, 0), mode="reflect")
    return round_to_uint8(smooth).astype(np.uint8)


def noisy(image: RGB8, sigma: float) -> RGB8:
    """Independent Gaussian noise of `sigma` grey levels, rounded half up; the same for the same image."""
    random = np.random.RandomState(zlib.crc32(image.tobytes()))  # its stream is frozen; newer generators' may change
    return round_to_uint8(image + random.normal(0, sigma, image.shape)).astype(np.uint8)


def compressed(image: RGB8, quality: float) -> RGB8:
    """The image after a JPEG file of 4:2:0."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=int(quality), subsampling="4:2:0")
    return np.asarray(Image.open(file).convert("RGB"))


OF_HR: Damage = {"blur": blurred}
OF_LR: Damage = {"noise": noisy, "jpeg": compressed}


def damaged(image: RGB8, name: str, damage: Damage) -> RGB8:
    """The image after those steps of a name that `damage` knows, `OF_HR` or `OF_LR`."""
    for kind, strength in STEP.findall(name):
        image = damage[kind](image, float(strength)) if kind in damage else image
    return image
