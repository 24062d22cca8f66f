"""From a file to a `Photo`, by libvips; what libvips does not read comes from `loaders`."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from arbsr_jax.errors import ArbsrError
from arbsr_jax.photos import colour, jpeg, loaders, png, tiff
from arbsr_jax.photos.failures import LIBVIPS_LOCK, words_of
from arbsr_jax.photos.photo import Metadata, Photo, Pixels, Resolution, to_16_bit

pyvips.cache_set_max(0)  # else a file that changed under its name would be read as it was
LARGEST_PIXELS = 2**29 // 3  # of a file: half a gibibyte of RGB
BLOCK_PIXELS = 2**24  # of an animation, decoded at a time
ANIMATED = "avis"  # an AVIF of several frames
TRANSPOSING = (5, 6, 7, 8)  # EXIF's orientations that swap width and height
INTEGERS = ("char", "short", "ushort", "int", "uint")
ENDINGS = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".gif", ".avif")  # that libvips reads


def read_photo(path: Path) -> Photo:
    """The first image of a file: PNG, JPEG, WebP, TIFF, GIF, AVIF, or what `loaders` and its libraries read.

    Raises:
      ArbsrError: the file is missing, damaged, too large to be sane, or of a kind that has no 8- or 16-bit pixels.
    """
    with closing(read_photos(path)) as photos:
        return next(photos)


def read_photos(path: Path) -> Generator[Photo]:
    """Every image of a file, one after another.

    Raises:
      ArbsrError: as `read_photo`.
    """
    with closing(_read_photos(path)) as photos:
        while True:
            with LIBVIPS_LOCK:
                photo = next(photos, None)
            if photo is None:
                return
            yield photo


def _read_photos(path: Path) -> Generator[Photo]:
    with _failures_named(path):
        kind = kind_of(path)
        if kind is None:
            yield from loaders.read(path)
            return
        chunks = png.read_chunks(path.read_bytes()) if kind == "png" else None
        if (chunks and chunks.frames > 1) or kind == ANIMATED or (kind == "tiff" and tiff.needs_pillow(path)):
            yield from _by_pillow(path, "heif" if kind == ANIMATED else kind, chunks)
            return
        try:
            yield from _pages(path, kind, chunks)
        except pyvips.Error as error:
            if "not supported" not in str(error) or kind != "tiff":
                raise
            metadata = _metadata(_opened(path, kind, None), path, kind, None, 0)
            for photo in loaders.read_rare(path):  # planar tiles, say
                yield replace(photo, metadata=metadata)


def photo_size(path: Path) -> tuple[int, int]:
    """(height, width) in pixels of what `read_photo` gives, from the file's header alone.

    Raises:
      ArbsrError: the file cannot be read.
    """
    with LIBVIPS_LOCK, _failures_named(path):
        kind = kind_of(path)
        if kind is None:
            return loaders.size(path)
        image = _opened(path, "heif" if kind == ANIMATED else kind, None)
        turned = _field(image, "orientation", 1) in TRANSPOSING
        return (image.width, image.height) if turned else (image.height, image.width)


def kind_of(path: Path) -> str | None:
    """Libvips' word for the kind of a file, by its first bytes; None if libvips does not read it."""
    if loaders.other_module(path):
        return None
    with path.open("rb") as file:
        start = file.read(32)
    signatures = {
        "png": start.startswith(png.SIGNATURE),
        "jpeg": start.startswith(b"\xff\xd8\xff"),
        "gif": start.startswith(b"GIF8"),
        "tiff": start[:4] in (*tiff.CLASSIC, b"II+\0", b"MM\0+"),
        "webp": start[:4] == b"RIFF" and start[8:12] == b"WEBP",
        ANIMATED: start[4:12] == b"ftypavis",
        "heif": start[4:8] == b"ftyp" and start[8:12] in (b"avif", b"mif1", b"msf1"),
    }
    return next((kind for kind, found in signatures.items() if found), None)


@contextmanager
def _failures_named(path: Path) -> Iterator[None]:
    """What libraries raise on damaged files becomes one line that names the file."""
    if not path.is_file():  # pipes and devices too: reading them might never end
        raise ArbsrError(f"{path}: {'not a regular file' if path.exists() else 'no such file'}")
    try:
        yield
    except ArbsrError:
        raise
    except Exception as error:  # whatever a damaged file provokes in a library
        words = words_of(error).replace(str(path), "the file")
        raise ArbsrError(f"{path}: not a readable image ({words}); replace or remove the file") from None


def _opened(path: Path, kind: str, chunks: png.Chunks | None, **options: Any) -> Any:
    """A libvips image of which only the header has been read."""
    call: Callable[..., Any]
    if chunks:
        call, source = pyvips.Image.pngload_buffer, chunks.content
    else:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            source = pyvips.Source.new_from_descriptor(file)  # it takes names of any bytes, and keeps its own copy
        finally:
            os.close(file)
        call = getattr(pyvips.Image, f"{kind}load_source")
    image = call(source, fail_on="error", **options)
    if image.width * image.height > LARGEST_PIXELS * _field(image, "n-pages", 1):
        raise ValueError(f"{image.width}x{image.height} pixels; at most {LARGEST_PIXELS / 1e6:.0f} Mpx are read")
    return image


def _pages(path: Path, kind: str, chunks: png.Chunks | None) -> Iterator[Photo]:
    image = _opened(path, kind, chunks)
    count = _field(image, "n-pages", 1)
    yield _photo(image, path, kind, chunks, 0, count)
    tall = max(1, BLOCK_PIXELS // (image.width * image.height)) if kind in ("gif", "webp") else 1
    for first in range(1, count, tall):  # what is animated is decoded from its start each time
        number = min(tall, count - first)
        block = _opened(path, kind, chunks, page=first, n=number)
        height = block.height // number
        block = block.copy_memory() if number > 1 else block
        for page in range(number):
            one = block.crop(0, page * height, block.width, height) if number > 1 else block
            yield _photo(one, path, kind, chunks, first + page, count)


def _photo(image: Any, path: Path, kind: str, chunks: png.Chunks | None, page: int, count: int) -> Photo:
    remarks = list(chunks.remarks) if chunks else []
    segments = list(jpeg.read_segments(path)) if kind == "jpeg" else []
    wide, high = chunks.pixel if chunks else jpeg.pixel_shape(segments)
    if wide != high:
        remarks.append(f"pixels of shape {wide}:{high} are taken for square ones")
    metadata = _metadata(image, path, kind, chunks, page)
    if left := jpeg.left_behind(segments):
        remarks += left
        metadata = replace(metadata, xmp=metadata.xmp and jpeg.without_promises(metadata.xmp))
    if _field(image, "orientation", 1) > 1:
        image = image.autorot()
        remarks.append("turned upright")
    pixels, icc, changes = _pixels(image, metadata.icc)
    return Photo(pixels, replace(metadata, icc=icc), count, (*changes, *remarks))


def _pixels(image: Any, icc: bytes | None) -> tuple[Pixels, bytes | None, list[str]]:
    """Pixels, the profile that holds for them, and remarks."""
    remarks, bands = [], image.bands
    if image.format not in ("uchar", *INTEGERS):
        raise ValueError(f"pixels of kind {image.format} are not supported; save it with 8 or 16 bits a channel")
    deep, kind = image.format != "uchar", image.interpretation
    if kind == "cmyk":
        image, icc = colour.to_srgb(image, deep=deep), None
        remarks.append("CMYK became sRGB")
    elif kind in ("lab", "labs", "labq", "lch", "xyz", "yxy", "hsv"):
        image, icc = image.colourspace("rgb16" if deep else "srgb"), None
        remarks.append(f"{kind} became sRGB")
    elif _field(image, "palette", 0) or _field(image, "gif-palette", None) is not None:
        remarks.append(f"palette became {'RGBA' if image.hasalpha() else 'RGB'}")
    gray = image.interpretation in ("b-w", "grey16", "multiband") and bands != 3
    known = (1 if gray else 3) + bool(image.hasalpha() and image.bands > (1 if gray else 3))
    if image.bands > known:
        remarks.append(f"{image.bands - known} more channels left out")
        image = image.extract_band(0, n=known)
    pixels = image.numpy().reshape(image.height, image.width, image.bands)
    if image.format in INTEGERS and image.format != "ushort":
        if pixels.min() < 0 or pixels.max() > np.iinfo(np.uint16).max:
            raise ValueError(f"{image.format} values beyond 16 bits")
        pixels = pixels.astype(np.uint16)
    if _field(image, "heif-compression", "") and deep:  # libvips shifts 10 and 12 bits up
        pixels = to_16_bit(pixels, _field(image, "bits-per-sample", 16))
    icc = _fitting(icc, pixels.shape[-1], remarks)
    return np.ascontiguousarray(pixels), icc, remarks


def _metadata(image: Any, path: Path, kind: str, chunks: png.Chunks | None, page: int) -> Metadata:
    exif = tiff.read_exif(path, page) if kind == "tiff" else _field(image, "exif-data", None)
    return Metadata(
        icc=_field(image, colour.PROFILE, None),
        exif=exif,
        xmp=_field(image, "xmp-data", None),
        iptc=_field(image, "iptc-data", None),
        resolution=chunks.resolution if chunks else _resolution(image, exif, kind),
        chunks=chunks.kept if chunks else (),
        kind=kind,
    )


def _resolution(image: Any, exif: bytes | None, kind: str) -> Resolution | None:
    if kind in ("jpeg", "tiff") and (unit := _field(image, "resolution-unit", None)):
        return Resolution(image.xres, image.yres, unit)
    return tiff.exif_resolution(exif)


def _field(image: Any, name: str, default: Any) -> Any:
    """A field of a libvips image, or the default: get_fields fails on names that are not UTF-8."""
    return image.get(name) if image.get_typeof(name) else default


def _by_pillow(path: Path, kind: str, chunks: png.Chunks | None) -> Iterator[Photo]:
    """Frames that libvips does not read, or reads wrong: of animations, and of some TIFFs; with 8 bits."""
    image = _opened(path, kind, chunks)
    metadata = _metadata(image, path, kind, chunks, 0)
    for count, pixels, changes in loaders.frames(path, kind):
        remarks = [*changes, *(chunks.remarks if chunks else ())]
        if image.format != "uchar":
            remarks.append("16 bits became 8")
        icc = _fitting(metadata.icc, pixels.shape[-1], remarks)
        yield Photo(pixels, replace(metadata, icc=icc), count, tuple(remarks))


def _fitting(icc: bytes | None, channels: int, remarks: list[str]) -> bytes | None:
    """The profile, if it holds for such pixels; else None, and a remark more."""
    if not icc or colour.space_of(icc) == colour.space_for(channels):
        return icc
    what = colour.space_of(icc).decode(errors="replace").strip() or "damaged"
    remarks.append(f"{what} colour profile left out: the pixels are {'gray' if channels < 3 else 'RGB'}")
    return None
