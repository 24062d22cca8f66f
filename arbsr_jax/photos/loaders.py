"""Kinds of files that libvips does not read here: simple ones by Pillow, others by libraries of an extra."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from arbsr_jax.errors import ArbsrError, missing_extra
from arbsr_jax.photos import heif, jpeg_xl, raw, tiff
from arbsr_jax.photos.colour import encode_srgb
from arbsr_jax.photos.photo import Metadata, Photo, Pixels

SIMPLE = ("BMP", "DIB", "PPM", "TGA", "PCX", "ICO")  # Pillow's names of kinds with 8 bits and no metadata
PILLOWS = {"png": "PNG", "heif": "AVIF", "tiff": "TIFF"}  # its names of kinds that libvips reads in part
RARE = (  # first bytes of what OpenImageIO reads
    b"\0\0\0\x0cjP  ",  # JPEG 2000
    b"\xff\x4f\xff\x51",  # JPEG 2000, the bare codestream
    b"\xff\x0a",  # JPEG XL, the bare codestream
    b"\0\0\0\x0cJXL ",  # JPEG XL
    b"8BPS",  # PSD
    b"v/1\x01",  # OpenEXR
    b"\x01\xda",  # SGI
    b"#?RADIANCE",  # Radiance HDR
)
KNOWN = ("Exif:", "GPS:", "IPTC:")  # OpenImageIO's names of metadata
DEEP_PNM = (b"P6", b"P5")
ENDINGS = (".bmp", ".dib", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".pcx", ".ico")
RARE_ENDINGS = (".jp2", ".j2k", ".jpx", ".jxl", ".psd", ".exr", ".sgi", ".hdr")


def read(path: Path) -> Iterator[Photo]:
    """The picture of such a file.

    Raises:
      ArbsrError: a library of the extra is needed and not installed.
      Exception: whatever the library raises on a damaged file.
    """
    if module := other_module(path):
        yield from module.read(path)
        return
    if _is_rare(path):
        yield from read_rare(path)
        return
    with warnings.catch_warnings(action="ignore"), Image.open(path, formats=SIMPLE) as image:
        pixels, remarks = _simple(image)
        yield Photo(pixels, Metadata(), 1, remarks)


def size(path: Path) -> tuple[int, int]:
    """(height, width), from the header alone.

    Raises:
      ArbsrError: a library of the extra is needed and not installed.
      Exception: whatever the library raises on a damaged file.
    """
    if module := other_module(path):
        return module.size(path)
    if _is_rare(path):
        spec = _opened(path)[0].spec()
        return spec.height, spec.width
    with warnings.catch_warnings(action="ignore"), Image.open(path, formats=SIMPLE) as image:
        return image.height, image.width


def read_rare(path: Path) -> Iterator[Photo]:
    """A picture by OpenImageIO; linear light, as in OpenEXR, becomes 16-bit sRGB.

    Raises:
      ArbsrError: OpenImageIO is not installed.
      ValueError: the file is damaged, or of no kind that it knows.
    """
    file, library = _opened(path)
    spec, remarks = file.spec(), []
    float_kind = spec.format.basetype in (library.HALF, library.FLOAT, library.DOUBLE)
    kind = library.FLOAT if float_kind else library.UINT8 if spec.format == library.UINT8 else library.UINT16
    pixels = file.read_image(0, 0, 0, spec.nchannels, kind)
    if pixels is None:
        raise ValueError(file.geterror() or "damaged")
    alpha = spec.alpha_channel
    colours = 1 if spec.nchannels - (alpha >= 0) < 3 else 3
    wanted = [*range(colours), *([alpha] if alpha >= 0 else [])]
    if spec.nchannels > len(wanted):
        remarks.append(f"{spec.nchannels - len(wanted)} more channels left out")
    pixels = pixels[..., wanted]
    if float_kind:
        pixels = _from_linear(pixels, colours)
        remarks.append("linear light became 16-bit sRGB, clipped at white")
    boxes = jpeg_xl.read_boxes(path.read_bytes()) if file.format_name() == "jpegxl" else jpeg_xl.Boxes(None, None)
    if not boxes.exif and any(one.name.startswith(KNOWN) for one in spec.extra_attribs):
        remarks.append("EXIF and IPTC of this kind of file are not kept")
    icc = spec.getattribute("ICCProfile")
    profile = None if icc is None or float_kind else np.asarray(icc, np.uint8).tobytes()
    told = tiff.exif_resolution(boxes.exif)
    known = Metadata(icc=profile, exif=boxes.exif, xmp=boxes.xmp, resolution=told, kind=file.format_name())
    yield Photo(np.ascontiguousarray(pixels), known, 1, tuple(remarks))


def frames(path: Path, kind: str) -> Iterator[tuple[int, Pixels, tuple[str, ...]]]:
    """(number of frames, pixels of 8 bits, remarks) for every frame that Pillow reads of a file of libvips' kind."""
    with warnings.catch_warnings(action="ignore"), Image.open(path, formats=(PILLOWS[kind],)) as image:
        count = getattr(image, "n_frames", 1)
        for frame in range(count):
            image.seek(frame)
            yield count, *_simple(image)


def _is_rare(path: Path) -> bool:
    """Whether OpenImageIO is to read it, by its first bytes."""
    with path.open("rb") as file:
        start = file.read(64)
    return start.startswith(RARE) or _deep_pnm(start)


def _deep_pnm(start: bytes) -> bool:
    """Whether a PPM or PGM has more than 8 bits: its third number is the value of white."""
    words = [word for line in start.split(b"\n") for word in line.partition(b"#")[0].split()]
    return start[:2] in DEEP_PNM and len(words) > 3 and words[3].isdigit() and int(words[3]) > np.iinfo(np.uint8).max


def _simple(image: Image.Image) -> tuple[Pixels, tuple[str, ...]]:
    mode, remarks = image.mode, ()
    if mode in ("P", "PA") or "transparency" in image.info:
        mode = "RGBA" if mode == "PA" or "transparency" in image.info else "RGB"
        remarks = (f"palette became {mode}",)
    kept = {"1": "L", "RGBX": "RGB", "YCbCr": "RGB"}.get(mode, mode)
    if kept not in ("L", "LA", "RGB", "RGBA"):
        raise ValueError(f"pixels of kind {mode} are not supported; save it with 8 or 16 bits a channel")
    pixels = np.asarray(image.convert(kept))
    return pixels.reshape(*pixels.shape[:2], -1), remarks


def other_module(path: Path) -> ModuleType | None:
    """The module that reads a file by a library of its own, if one does."""
    if path.suffix.lower() in raw.ENDINGS:
        return raw
    with path.open("rb") as file:
        return heif if heif.is_heic(file.read(64)) else None


def openimageio(path: Path) -> Any:
    """The library, which reads and writes rare kinds of files.

    Raises:
      ArbsrError: it is not installed.
    """
    try:
        return importlib.import_module("OpenImageIO")
    except ImportError:
        raise ArbsrError(f"{path}: {missing_extra('OpenImageIO, for this kind of file,', 'formats')}") from None


def _opened(path: Path) -> tuple[Any, Any]:
    """OpenImageIO's input and the library itself."""
    library = openimageio(path)
    settings = library.ImageSpec()
    settings.attribute("oiio:UnassociatedAlpha", 1)
    file = library.ImageInput.open(str(path), settings)
    if file is None:
        raise ValueError(library.geterror() or "of a kind that is not known")
    return file, library


def _from_linear(light: np.ndarray, colours: int) -> Pixels:
    """16-bit sRGB of linear light; premultiplied alpha is divided out."""
    light = np.nan_to_num(light.astype(np.float64))
    colour, alpha = light[..., :colours], np.clip(light[..., colours:], 0, 1)
    if alpha.shape[-1]:
        colour = np.divide(colour, alpha, out=np.zeros_like(colour), where=alpha > 0)
    whole = np.concatenate([encode_srgb(colour), alpha], axis=-1)
    return np.floor(whole * np.iinfo(np.uint16).max + 0.5).astype(np.uint16)
