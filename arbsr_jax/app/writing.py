"""From a `Photo` to a file, whole or not at all."""

from __future__ import annotations

import io
import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from PIL import Image

from arbsr_jax.app import colour, jpeg_xl, loaders, png, tiff
from arbsr_jax.app.formats import AVIF, FORMATS, JPEG, JPEG_XL, PNG, TIFF, WITH_QUALITY, Format
from arbsr_jax.app.photo import Metadata, Photo, Resolution
from arbsr_jax.errors import ArbsrError, words_of
from arbsr_jax.files import atomic_write
from arbsr_jax.imaging.pixels import to_8_bit, to_srgb
from arbsr_jax.imaging.turns import by_libvips
from arbsr_jax.typing import Pixels

DEFAULT_QUALITY = 95
SEGMENT = 65_533  # bytes that a segment of a JPEG holds, and that libvips takes for EXIF anywhere but in TIFF
UNKNOWN_DENSITY = Resolution(72 / 25.4, 72 / 25.4, "in")  # what EXIF says of files that do not tell
DENSEST = 1e6  # pixels per millimetre that libvips takes
BIG = 4 * 2**30 - 2**24  # bytes of pixels beyond which a TIFF needs 64-bit offsets
XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:>|=["']))[2-8]""")


def write_photo(path: Path, photo: Photo, quality: int = DEFAULT_QUALITY, *, metadata: bool = True) -> list[str]:
    """Write one photograph in the format that the name asks for.

    Args:
      path: of the file; its folder must exist.
      photo: what to write.
      quality: of JPEG, WebP, AVIF and JPEG XL, 1 to 100.
      metadata: whether EXIF, XMP, IPTC, text, resolution and colour profile are kept; without its profile a
        picture becomes sRGB.

    Returns:
      What the format could not hold, in words.

    Raises:
      ArbsrError: the format is unknown, cannot hold an image so large, or the file cannot be written.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise ArbsrError(f"{path}: files of this kind are not written; allowed: {' '.join(FORMATS)}")
    if max(photo.pixels.shape[:2]) > kind.longest:
        raise ArbsrError(f"{path}: {kind.title} holds at most {kind.longest} pixels a side; use --ext png or tif")
    try:
        if not metadata:
            photo = replace(
                photo, metadata=Metadata(icc=photo.metadata.icc, chunks=_of(photo.metadata.chunks, png.COLOUR))
            )
        pixels, kept, remarks = convert_for(photo, kind, profile=metadata and kind.metadata)
        with atomic_write(path) as unfinished:
            return remarks + by_libvips(partial(_encode, unfinished, kind, pixels, kept, quality))
    except ArbsrError:
        raise
    except Exception as error:  # whatever a photograph provokes in a library
        raise ArbsrError(f"{path}: cannot be written ({words_of(error)})") from None


def convert_for(photo: Photo, kind: Format, *, profile: bool) -> tuple[Pixels, Metadata, list[str]]:
    """Pixels and metadata that the format can hold, with or without a colour profile, and what was lost."""
    pixels, kept, remarks = photo.pixels, photo.metadata, []
    if kept.resolution and not all(1 / DENSEST <= density <= DENSEST for density in kept.resolution[:2]):
        kept = replace(kept, resolution=None)
        remarks.append("resolution is out of range and left out")
    chunks = dict(_of(kept.chunks, png.COLOUR))
    if kind is not PNG and not kept.icc and not colour.chunks_are_srgb(chunks):
        if b"cICP" in chunks:
            remarks.append(f"cICP colours are not kept in {kind.title}: write PNG to keep them")
        else:
            pixels = colour.chunks_to_srgb(pixels, chunks)
            remarks.append("colours by gAMA and cHRM became sRGB")
    if kind is not PNG and _of(kept.chunks, png.TEXT):
        remarks.append(f"PNG text is not kept in {kind.title}")
    gray = pixels.shape[-1] < 3
    if kept.icc and not (profile and (kind.gray or not gray)):
        stays = gray and kind.gray
        pixels, kept = by_libvips(partial(_in_srgb, pixels, kept, gray=stays)), replace(kept, icc=None)
        remarks.append("colours by the profile became sRGB")
    elif gray and not kind.gray:
        pixels = np.concatenate([pixels[..., :1]] * 3 + [pixels[..., 1:]], axis=-1)
    if pixels.dtype == np.uint16 and kind.bits < 16:
        pixels = to_8_bit(pixels) if kind.bits == 8 else pixels
        remarks.append(f"16 bits became {kind.bits} in {kind.title}")
    if pixels.shape[-1] in (2, 4) and not kind.alpha:
        top = np.iinfo(pixels.dtype).max
        alpha = pixels[..., -1:].astype(np.float32) / top
        pixels = np.floor(pixels[..., :-1] * alpha + top * (1 - alpha) + 0.5).astype(pixels.dtype)
        remarks.append(f"transparency laid over white in {kind.title}")
    return pixels, kept, remarks


def _in_srgb(pixels: Pixels, kept: Metadata, *, gray: bool) -> Pixels:
    image = to_srgb(_image(pixels, kept), deep=pixels.dtype == np.uint16, gray=gray)
    return image.numpy().reshape(*pixels.shape[:2], -1)


def _encode(path: Path, kind: Format, pixels: Pixels, kept: Metadata, quality: int) -> list[str]:
    """Write the pixels under a name; returns which metadata the format could not hold."""
    if not kind.metadata:
        one = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
        buffer = io.BytesIO()  # Pillow takes half a write for a whole one
        Image.fromarray(np.ascontiguousarray(one)).save(buffer, kind.name.upper())
        path.write_bytes(buffer.getvalue())
        known = {"EXIF": kept.exif, "XMP": kept.xmp, "IPTC": kept.iptc, "resolution": kept.resolution}
        lost = [name for name, value in known.items() if value]
        return [f"{', '.join(lost)} not kept in {kind.title}"] if lost else []
    kept, remarks = strip_unsupported(kept, kind)
    if kind is JPEG_XL:
        boxes = jpeg_xl.Boxes(exif_with_resolution(pixels, kept), kept.xmp)
        return remarks + jpeg_xl.write(path, pixels, quality, kept.icc, boxes, loaders.openimageio(path))
    image = _image(pixels, kept)
    blocks = {"icc": kept.icc, "exif": kept.exif or kept.resolution, "xmp": kept.xmp, "iptc": kept.iptc}
    options = kind.options | {"keep": "|".join(name for name, value in blocks.items() if value) or "none"}
    if kind in WITH_QUALITY:
        options["Q"] = quality
    if kind is AVIF and pixels.dtype == np.uint16:
        options["bitdepth"] = kind.bits
    if kind is PNG:
        content = png.with_chunks(
            bytes(image.pngsave_buffer(**options)), kept.chunks, without=() if kept.resolution else (b"pHYs",)
        )
        path.write_bytes(content)
        return remarks
    if kind is TIFF:
        unit = kept.resolution.unit if kept.resolution else "in"
        options |= {"resunit": {"in": "inch"}.get(unit, unit), "bigtiff": pixels.nbytes > BIG}
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        target = pyvips.Target.new_to_descriptor(file)
        getattr(image, f"{kind.name}save_target")(target, **options)
    finally:
        os.close(file)
    if kind is TIFF and kept.exif:
        remarks += tiff.append_exif(path, kept.exif)
    return remarks


def strip_unsupported(kept: Metadata, kind: Format) -> tuple[Metadata, list[str]]:
    """What of the metadata the format can hold, with the orientation that the pixels have now."""
    remarks, changes = [], {}
    if kept.xmp:
        changes["xmp"] = XMP_ORIENTATION.sub(rb"\g<1>1", kept.xmp)
    if kept.iptc and kept.kind != kind.name:
        changes["iptc"] = None
        remarks.append(f"IPTC of {kept.kind.upper()} is not kept in {kind.title}")
    limited = ("exif", "xmp", "iptc") if kind is JPEG else ("exif",) if kind not in (TIFF, JPEG_XL) else ()
    for name in limited:
        if len(getattr(kept, name) or b"") > SEGMENT:
            changes[name] = None
            remarks.append(f"{name.upper()} above 64 kB is not kept in {kind.title}")
    return replace(kept, **changes), remarks


def exif_with_resolution(pixels: Pixels, kept: Metadata) -> bytes | None:
    """EXIF with the resolution, and the orientation that the pixels have now, as libvips makes it for other kinds."""
    height, width = pixels.shape[:2]
    if not (kept.exif or kept.resolution) or max(height, width) > JPEG.longest or len(kept.exif or b"") > SEGMENT:
        return kept.exif
    blank = _image(np.zeros((height, width, 1), np.uint8), kept)
    exif: Any = pyvips.Image.new_from_buffer(blank.jpegsave_buffer(Q=1, keep="exif"), "").get("exif-data")
    return exif


def _image(pixels: Pixels, kept: Metadata) -> Any:
    """A libvips image with metadata; it shares the pixels."""
    deep, gray = pixels.dtype == np.uint16, pixels.shape[-1] < 3
    pixels = np.ascontiguousarray(pixels)
    height, width, bands = pixels.shape
    flat: Any = pixels.reshape(-1).data
    raw: Any = pyvips.Image.new_from_memory(flat, width, height, bands, "ushort" if deep else "uchar")
    density = kept.resolution or UNKNOWN_DENSITY
    kind = {(0, 0): "srgb", (0, 1): "b-w", (1, 0): "rgb16", (1, 1): "grey16"}[deep, gray]
    image = raw.copy(interpretation=kind, xres=density.horizontal, yres=density.vertical)
    for name, content in (
        (colour.PROFILE, kept.icc),
        ("exif-data", kept.exif),
        ("xmp-data", kept.xmp),
        ("iptc-data", kept.iptc),
    ):
        if content:
            image.set_type(pyvips.GValue.blob_type, name, content)
    image.set_type(pyvips.GValue.gstr_type, "resolution-unit", density.unit)  # EXIF, set before, brings its own
    image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    return image


def _of(chunks: tuple[png.Chunk, ...], kinds: tuple[bytes, ...]) -> tuple[png.Chunk, ...]:
    return tuple(one for one in chunks if one[0] in kinds)
