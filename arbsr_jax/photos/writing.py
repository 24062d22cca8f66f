"""From a `Photo` to a file, whole or not at all."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyvips
from PIL import Image

from arbsr_jax.errors import ArbsrError
from arbsr_jax.files import atomic_write
from arbsr_jax.photos.photo import Photo, Pixels, to_8_bit

SIGNATURE_AND_HEADER = 8 + 25  # bytes of a PNG before its second chunk


class Format(NamedTuple):
    """What a kind of file can hold.

    Attributes:
      name: Pillow's.
      alpha: whether transparency is kept; else it is laid over white.
      deep: whether 16 bits are kept.
      gray: whether gray stays gray.
      longest: side in pixels that it can have.
      exif: whether EXIF is kept.
    """

    name: str
    alpha: bool
    deep: bool
    gray: bool
    longest: int
    exif: bool = True


PNG = Format("PNG", alpha=True, deep=True, gray=True, longest=2**31 - 1)
JPEG = Format("JPEG", alpha=False, deep=False, gray=True, longest=65_500)
TIFF = Format("TIFF", alpha=True, deep=True, gray=True, longest=2**31 - 1)
WEBP = Format("WEBP", alpha=True, deep=False, gray=False, longest=16_383)
BMP = Format("BMP", alpha=False, deep=False, gray=True, longest=2**31 - 1, exif=False)
FORMATS = {".png": PNG, ".jpg": JPEG, ".jpeg": JPEG, ".tif": TIFF, ".tiff": TIFF, ".webp": WEBP, ".bmp": BMP}
DEFAULT_QUALITY = 95


def write_photo(path: Path, photo: Photo, quality: int = DEFAULT_QUALITY, *, metadata: bool = True) -> list[str]:
    """Write one photograph in the format that the name asks for.

    Args:
      path: of the file; its folder must exist.
      photo: what to write.
      quality: of JPEG and WebP, 1 to 100.
      metadata: whether EXIF and colour profile are kept.

    Returns:
      What the format could not hold, in words.

    Raises:
      ArbsrError: the format is unknown, cannot hold an image so large, or the file cannot be written.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise ArbsrError(f"{path}: files of this kind are not written; allowed: {' '.join(FORMATS)}")
    if max(photo.pixels.shape[:2]) > kind.longest:
        raise ArbsrError(f"{path}: {kind.name} holds at most {kind.longest} pixels a side; use --ext png or tif")
    pixels, remarks = _fitted(photo.pixels, kind)
    icc, exif = (photo.icc, photo.exif if kind.exif else None) if metadata else (None, None)
    try:
        with atomic_write(path) as partial:
            _encode(kind, pixels, icc, exif, quality)(partial)
    except (OSError, ValueError, SystemError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        raise ArbsrError(f"{path}: cannot be written ({reason})") from None
    return remarks


def _fitted(pixels: Pixels, kind: Format) -> tuple[Pixels, list[str]]:
    """Pixels that the format can hold, and what was lost."""
    remarks = []
    if pixels.dtype == np.uint16 and not kind.deep:
        pixels = to_8_bit(pixels)
        remarks.append(f"16 bits became 8 in {kind.name}")
    if pixels.shape[-1] in (2, 4) and not kind.alpha:
        top = np.iinfo(pixels.dtype).max
        alpha = pixels[..., -1:].astype(np.float32) / top
        pixels = np.floor(pixels[..., :-1] * alpha + top * (1 - alpha) + 0.5).astype(pixels.dtype)
        remarks.append(f"transparency laid over white in {kind.name}")
    deep_with_alpha = pixels.dtype == np.uint16 and pixels.shape[-1] == 2 and kind is TIFF  # few programs read it
    if pixels.shape[-1] < 3 and (not kind.gray or deep_with_alpha):
        pixels = np.concatenate([pixels[..., :1]] * 3 + [pixels[..., 1:]], axis=-1)
    return pixels, remarks


def _encode(
    kind: Format, pixels: Pixels, icc: bytes | None, exif: bytes | None, quality: int
) -> Callable[[Path], object]:
    """A function that writes the pixels under a name."""
    one = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    gray_tiff = kind is TIFF and pixels.shape[-1] == 1  # of which libvips drops a profile that is not of gray
    if pixels.dtype == np.uint16 and not gray_tiff:
        content = _encode_deep(kind, pixels, icc, exif)
        return lambda path: path.write_bytes(content)
    options: dict[str, Any] = {"quality": quality, "subsampling": 0} if kind is JPEG else {}
    options |= {"quality": quality, "method": 4} if kind is WEBP else {}
    options |= {"compression": "tiff_deflate"} if kind is TIFF else {}
    options |= {name: value for name, value in (("icc_profile", icc), ("exif", exif)) if value}
    image = Image.fromarray(np.ascontiguousarray(one))
    return lambda path: image.save(path, kind.name, **options)


def _encode_deep(kind: Format, pixels: Pixels, icc: bytes | None, exif: bytes | None) -> bytes:
    """16-bit PNG and TIFF."""
    interpretation = "rgb16" if pixels.shape[-1] > 2 else "grey16"
    image: Any = pyvips.Image.new_from_array(np.ascontiguousarray(pixels)).copy(interpretation=interpretation)
    if kind is PNG:
        return with_chunks(bytes(image.pngsave_buffer(bitdepth=16, keep=pyvips.enums.ForeignKeep.NONE)), icc, exif)
    if icc:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", icc)
    return bytes(image.tiffsave_buffer(compression="deflate", predictor="horizontal"))


def with_chunks(png: bytes, icc: bytes | None, exif: bytes | None) -> bytes:
    """A PNG with a colour profile (iCCP) and EXIF (eXIf) behind its header."""
    chunks = b""
    if icc:
        chunks += _chunk(b"iCCP", b"icc\0\0" + zlib.compress(icc))
    if exif:
        chunks += _chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    return png[:SIGNATURE_AND_HEADER] + chunks + png[SIGNATURE_AND_HEADER:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
