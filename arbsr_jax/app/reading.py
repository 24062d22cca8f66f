"""From a file to a `Photo`, by libvips; what libvips does not read comes from `loaders`."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyvips

from arbsr_jax.app import colour, heif, jpeg, loaders, png, raw, tiff
from arbsr_jax.app.formats import ANIMATED, LIBVIPS, OPENIMAGEIO, PILLOW_HEIF, RAWPY, kind_of
from arbsr_jax.app.photo import Metadata, Photo, Resolution
from arbsr_jax.imaging.image_files import failures_named
from arbsr_jax.imaging.pixels import field, needs_pillow, open_image, pixels_of, upright_size
from arbsr_jax.imaging.turns import by_libvips
from arbsr_jax.typing import Pixels

BLOCK_PIXELS = 2**24  # of an animation, decoded at a time
READERS = {  # of kinds that libvips does not read: pictures, and their size
    RAWPY: (raw.read_raw, raw.raw_size),
    PILLOW_HEIF: (heif.read_heic, heif.heic_size),
    OPENIMAGEIO: (loaders.read_rare, loaders.rare_size),
}
SIMPLE = loaders.read_simple, loaders.simple_size


def read_photo(path: Path) -> Photo:
    """The first image of a file: PNG, JPEG, WebP, TIFF, GIF, AVIF, or what `loaders` and its libraries read.

    Raises:
      ArbsrError: the file is missing, damaged, too large to be sane, or of a kind that has no 8- or 16-bit pixels.
    """
    with closing(read_photos(path)) as photos:
        return next(photos)


def read_image(path: str | Path) -> Pixels:
    """The pixels of a picture file of any kind, upright: uint8 or uint16, gray or RGB, with alpha if it has some.

    Raises:
      ArbsrError: as `read_photo`.
    """
    return read_photo(Path(path)).pixels


def read_photos(path: Path) -> Generator[Photo]:
    """Every image of a file, one after another.

    Raises:
      ArbsrError: as `read_photo`.
    """
    with failures_named(path):
        kind, library, *_ = kind_of(path)
        if library != LIBVIPS:
            yield from READERS.get(library, SIMPLE)[0](path)
            return
        chunks = png.read_chunks(path.read_bytes()) if kind == "png" else None
        if (chunks and chunks.frames > 1) or kind == ANIMATED or (kind == "tiff" and needs_pillow(path)):
            yield from _by_pillow(path, "heif" if kind == ANIMATED else kind, chunks)
            return
        try:
            yield from _pages(path, kind, chunks)
        except pyvips.Error as error:
            if "not supported" not in str(error) or kind != "tiff":
                raise
            metadata, _ = by_libvips(partial(_header, path, kind, None))
            for photo in loaders.read_rare(path):  # planar tiles, say
                yield replace(photo, metadata=metadata)


def photo_size(path: Path) -> tuple[int, int]:
    """(height, width) in pixels of what `read_photo` gives, from the file's header alone.

    Raises:
      ArbsrError: the file cannot be read.
    """
    with failures_named(path):
        kind, library, *_ = kind_of(path)
        if library != LIBVIPS:
            return READERS.get(library, SIMPLE)[1](path)
        return by_libvips(lambda: upright_size(open_image(path, "heif" if kind == ANIMATED else kind)))


def _open(path: Path, kind: str, chunks: png.Chunks | None, **options: Any) -> Any:
    return open_image(path, kind, chunks.content if chunks else None, **options)


def _pages(path: Path, kind: str, chunks: png.Chunks | None) -> Iterator[Photo]:
    done, count = 0, 1
    while done < count:
        block = by_libvips(partial(_block, path, kind, chunks, done))
        done, count = done + len(block), block[0].frames
        yield from block


def _block(path: Path, kind: str, chunks: png.Chunks | None, first: int) -> list[Photo]:
    """The first page alone, or as many from `first` on as are decoded at a time: each time from the file's start."""
    image = _open(path, kind, chunks)
    count = field(image, "n-pages", 1)
    if not first:
        return [_photo(image, path, kind, chunks, 0, count)]
    tall = max(1, BLOCK_PIXELS // (image.width * image.height)) if kind in ("gif", "webp") else 1
    number = min(tall, count - first)
    block = _open(path, kind, chunks, page=first, n=number)
    height = block.height // number
    block = block.copy_memory() if number > 1 else block
    pages = [block.crop(0, page * height, block.width, height) for page in range(number)] if number > 1 else [block]
    return [_photo(one, path, kind, chunks, first + page, count) for page, one in enumerate(pages)]


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
    if field(image, "orientation", 1) > 1:
        image = image.autorot()
        remarks.append("turned upright")
    cmyk = image.interpretation == "cmyk"
    pixels, changes = pixels_of(image)
    icc = None if cmyk else _fitting(metadata.icc, pixels.shape[-1], changes)
    return Photo(pixels, replace(metadata, icc=icc), count, (*changes, *remarks))


def _header(path: Path, kind: str, chunks: png.Chunks | None) -> tuple[Metadata, str]:
    """A picture's metadata, and libvips' word for the kind of its values."""
    image = _open(path, kind, chunks)
    return _metadata(image, path, kind, chunks, 0), image.format


def _metadata(image: Any, path: Path, kind: str, chunks: png.Chunks | None, page: int) -> Metadata:
    exif = tiff.read_exif(path, page) if kind == "tiff" else field(image, "exif-data", None)
    return Metadata(
        icc=field(image, colour.PROFILE, None),
        exif=exif,
        xmp=field(image, "xmp-data", None),
        iptc=field(image, "iptc-data", None),
        resolution=chunks.resolution if chunks else _resolution(image, exif, kind),
        chunks=chunks.kept if chunks else (),
        kind=kind,
    )


def _resolution(image: Any, exif: bytes | None, kind: str) -> Resolution | None:
    if kind in ("jpeg", "tiff") and (unit := field(image, "resolution-unit", None)):
        return Resolution(image.xres, image.yres, unit)
    return tiff.exif_resolution(exif)


def _by_pillow(path: Path, kind: str, chunks: png.Chunks | None) -> Iterator[Photo]:
    """Frames that libvips does not read, or reads wrong: of animations, and of some TIFFs; with 8 bits."""
    metadata, layout = by_libvips(partial(_header, path, kind, chunks))
    for count, pixels, changes in loaders.frames(path, kind):
        remarks = [*changes, *(chunks.remarks if chunks else ())]
        if layout != "uchar":
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
