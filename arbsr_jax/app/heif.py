"""HEIC, the pictures of phones, by way of pillow-heif, an extra: libvips' own build has no decoder for HEVC."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from arbsr_jax.app import tiff
from arbsr_jax.app.photo import Metadata, Photo
from arbsr_jax.errors import ArbsrError, missing_extra
from arbsr_jax.imaging.pixels import to_16_bit
from arbsr_jax.typing import Pixels


def read_heic(path: Path) -> Iterator[Photo]:
    """Every image of a file, upright: the primary one first.

    Raises:
      ArbsrError: pillow-heif is not installed.
      Exception: whatever the library raises on a damaged file.
    """
    try:
        yield from _photos(list(_open(path)))
    except RuntimeError as error:  # of libheif
        raise ValueError(str(error)) from None


def _photos(images: list[Any]) -> Iterator[Photo]:
    for image in sorted(images, key=lambda one: not one.info.get("primary")):
        exif, xmp, profile = (image.info.get(name) or None for name in ("exif", "xmp", "icc_profile"))
        pixels = _pixels(image)
        profile = profile if pixels.shape[-1] > 2 else None  # it describes RGB
        known = Metadata(icc=profile, exif=exif, xmp=xmp, resolution=tiff.exif_resolution(exif), kind="heif")
        yield Photo(pixels, known, len(images))


def heic_size(path: Path) -> tuple[int, int]:
    """(height, width) of the primary image.

    Raises:
      ArbsrError: pillow-heif is not installed.
      Exception: whatever the library raises on a damaged file.
    """
    width, height = next((one.size for one in _open(path) if one.info.get("primary")), (0, 0))
    return height, width


def _open(path: Path) -> Any:
    try:
        library: Any = importlib.import_module("pillow_heif")
    except ImportError:
        raise ArbsrError(f"{path}: {missing_extra('pillow-heif, which reads HEIC,', 'formats')}") from None
    return library.open_heif(path, convert_hdr_to_8bit=False)


def _pixels(image: Any) -> Pixels:
    """Of 8 bits, or of 10 and 12 as 16: the library shifts them up."""
    pixels = np.asarray(image)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    if pixels.dtype != np.uint16:
        return np.ascontiguousarray(pixels)
    return to_16_bit(pixels, image.info["bit_depth"])
