"""Pixels of picture files as arrays: from libvips and Pillow, of 8 or 16 bits, gray or RGB, with or without alpha."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from PIL import Image, TiffImagePlugin

from arbsr_jax.typing import Pixels

pyvips.cache_set_max(0)  # else a file that changed under its name would be read as it was
LARGEST_PIXELS = 2**29 // 3  # of a file: half a gibibyte of RGB
INTEGERS = ("char", "short", "ushort", "int", "uint")  # libvips' formats beside "uchar"
TRANSPOSING = (5, 6, 7, 8)  # EXIF's orientations that swap width and height
SIMPLE = ("BMP", "DIB", "PPM", "TGA", "PCX", "ICO")  # Pillow's names of kinds with 8 bits and no metadata
BITS, COMPRESSION, PHOTOMETRIC = 258, 259, 262  # tags of TIFF
YCBCR, JPEGS, NEW_COMPRESSIONS = 6, (6, 7), (50_000, 50_001)  # Zstandard, WebP


def open_image(path: Path, kind: str = "", content: bytes | None = None, **options: Any) -> Any:
    """A libvips image of which only the header has been read.

    Args:
      path: of the file.
      kind: libvips' word for it; "": as its first bytes say.
      content: instead of what the file holds.
      options: of the loader.

    Raises:
      pyvips.Error: the file is damaged, or of a kind that libvips does not read.
      ValueError: it is too large to be sane.
    """
    call: Callable[..., Any]
    if content is not None:
        call, source = getattr(pyvips.Image, f"{kind}load_buffer"), content
    else:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            source = pyvips.Source.new_from_descriptor(file)  # it takes names of any bytes, and keeps its own copy
        finally:
            os.close(file)
        call = getattr(pyvips.Image, f"{kind}load_source") if kind else _load_any
    image = call(source, fail_on="error", **options)
    if image.width * image.height > LARGEST_PIXELS * field(image, "n-pages", 1):
        raise ValueError(f"{image.width}x{image.height} pixels; at most {LARGEST_PIXELS / 1e6:.0f} Mpx are read")
    return image


def _load_any(source: Any, **options: Any) -> Any:
    return pyvips.Image.new_from_source(source, "", **options)


def field(image: Any, name: str, default: Any) -> Any:
    """A field of a libvips image, or the default: get_fields fails on names that are not UTF-8."""
    return image.get(name) if image.get_typeof(name) else default


def upright_size(image: Any) -> tuple[int, int]:
    """(height, width) of a libvips image once it is turned upright."""
    turned = field(image, "orientation", 1) in TRANSPOSING
    return (image.width, image.height) if turned else (image.height, image.width)


def to_srgb(image: Any, *, deep: bool, gray: bool = False) -> Any:
    """A libvips image in sRGB, or gray with sRGB's curve, by its own profile; CMYK without one by a general profile."""
    given = {"embedded": True, "input_profile": "cmyk" if image.interpretation == "cmyk" else "sgrey"}
    wanted = "sgrey" if gray else "srgb"
    return image.icc_transform(wanted, depth=16 if deep else 8, black_point_compensation=True, **given)


def pixels_of(image: Any) -> tuple[Pixels, list[str]]:
    """The pixels of a libvips image, and what was changed, in words.

    Raises:
      ValueError: they are neither of 8 nor of 16 bits.
    """
    changes = []
    if image.format not in ("uchar", *INTEGERS):
        raise ValueError(f"pixels of kind {image.format} are not supported; save it with 8 or 16 bits a channel")
    deep, kind = image.format != "uchar", image.interpretation
    if kind == "cmyk":
        image = to_srgb(image, deep=deep)
        changes.append("CMYK became sRGB")
    elif kind in ("lab", "labs", "labq", "lch", "xyz", "yxy", "hsv"):
        image = image.colourspace("rgb16" if deep else "srgb")
        changes.append(f"{kind} became sRGB")
    elif field(image, "palette", 0) or field(image, "gif-palette", None) is not None:
        changes.append(f"palette became {'RGBA' if image.hasalpha() else 'RGB'}")
    gray = image.interpretation in ("b-w", "grey16", "multiband") and image.bands != 3
    known = (1 if gray else 3) + bool(image.hasalpha() and image.bands > (1 if gray else 3))
    if image.bands > known:
        changes.append(f"{image.bands - known} more channels left out")
        image = image.extract_band(0, n=known)
    pixels = image.numpy().reshape(image.height, image.width, image.bands)
    if image.format in INTEGERS and image.format != "ushort":
        if pixels.min() < 0 or pixels.max() > np.iinfo(np.uint16).max:
            raise ValueError(f"{image.format} values beyond 16 bits")
        pixels = pixels.astype(np.uint16)
    if field(image, "heif-compression", "") and deep:  # libvips shifts 10 and 12 bits up
        pixels = to_16_bit(pixels, field(image, "bits-per-sample", 16))
    return np.ascontiguousarray(pixels), changes


def simple_pixels(image: Image.Image) -> tuple[Pixels, tuple[str, ...]]:
    """The pixels of a Pillow image of 8 bits, and what was changed, in words.

    Raises:
      ValueError: they are of another kind.
    """
    mode, changes = image.mode, ()
    if mode in ("P", "PA") or "transparency" in image.info:
        mode = "RGBA" if mode == "PA" or "transparency" in image.info else "RGB"
        changes = (f"palette became {mode}",)
    wanted = {"1": "L", "RGBX": "RGB", "YCbCr": "RGB"}.get(mode, mode)
    if wanted not in ("L", "LA", "RGB", "RGBA"):
        raise ValueError(f"pixels of kind {mode} are not supported; save it with 8 or 16 bits a channel")
    pixels = np.asarray(image.convert(wanted))
    return pixels.reshape(*pixels.shape[:2], -1), changes


def needs_pillow(path: Path) -> bool:
    """Whether libvips reads a TIFF wrong (YCbCr that is no JPEG) or not at all (Zstandard, WebP), but Pillow right.

    Raises:
      ValueError: it has more than 8 bits, which Pillow would drop.
    """
    try:
        with warnings.catch_warnings(action="error"), path.open("rb") as file:
            directory = TiffImagePlugin.ImageFileDirectory_v2(file.read(8))
            file.seek(directory.next)
            directory.load(file)
            photometric, compression = directory.get(PHOTOMETRIC), directory.get(COMPRESSION)
            deep = max(directory.get(BITS, (1,))) > 8
    except Exception:
        return False  # libvips will say what is wrong
    if compression not in NEW_COMPRESSIONS and (photometric != YCBCR or compression in JPEGS):
        return False
    if deep:
        raise ValueError("16 bits with Zstandard or WebP compression, or as YCbCr; save it with LZW or zlib, as RGB")
    return True


def to_16_bit(shifted: Pixels, bits: int) -> Pixels:
    """Values of fewer bits that were shifted up, so that white is 65,535 again, rounded half up."""
    top = 2**bits - 1
    values = (shifted >> (16 - bits)).astype(np.uint32)
    return ((values * np.iinfo(np.uint16).max + top // 2) // top).astype(np.uint16)


def to_8_bit(pixels: Pixels) -> Pixels:
    """16-bit values as 8-bit ones, rounded half up."""
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8) if pixels.dtype == np.uint16 else pixels


def to_8_bit_rgb(pixels: Pixels) -> Pixels:
    """Pixels of any channels and depth as 8-bit RGB; transparency is left out."""
    pixels = to_8_bit(pixels)
    return np.repeat(pixels[..., :1], 3, axis=-1) if pixels.shape[-1] < 3 else np.ascontiguousarray(pixels[..., :3])
