"""JPEG XL: pixels and profile by OpenImageIO, an extra; EXIF and XMP in boxes around them (ISO/IEC 18181-2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from arbsr_jax.app import tiff
from arbsr_jax.typing import Pixels

ENDING = ".jxl"
CODESTREAM = b"\xff\x0a"
SIGNATURE = b"\0\0\0\x0cJXL \x0d\x0a\x87\x0a"
TYPE = b"\0\0\0\x14ftypjxl \0\0\0\0jxl "
EXIF, XMP, WHOLE = b"Exif", b"xml ", b"jxlc"
EXIF_START = b"Exif\0\0"


class Boxes(NamedTuple):
    """What the boxes of a file hold beside pixels."""

    exif: bytes | None
    xmp: bytes | None


def read_boxes(content: bytes) -> Boxes:
    """EXIF and XMP of a file; those that are compressed are left out.

    Raises:
      ValueError: a box reaches beyond the file.
    """
    found = dict(_boxes(content)) if content.startswith(SIGNATURE) else {}
    exif = found.get(EXIF)
    if exif:  # four bytes say where the TIFF header begins; some programs leave them out
        start = 0 if exif.startswith(tiff.CLASSIC) else 4 + int.from_bytes(exif[:4], "big")
        exif = EXIF_START + exif[start:].removeprefix(EXIF_START)
    return Boxes(exif, found.get(XMP))


def write(path: Path, pixels: Pixels, quality: int, icc: bytes | None, boxes: Boxes, library: Any) -> list[str]:
    """Write pixels of 8 or 16 bits; quality 100 is lossless. Returns what had to be left out.

    Raises:
      ValueError: OpenImageIO cannot.
    """
    partial = path.with_name(f"{path.name}{ENDING}")  # the library goes by endings
    try:
        _encode(partial, pixels, quality, icc, library)
        remarks = []
        if icc and not _readable(partial, library):
            _encode(partial, pixels, quality, None, library)
            remarks.append("the colour profile is damaged and left out")
        content = partial.read_bytes()
    finally:
        partial.unlink(missing_ok=True)
    path.write_bytes(_with_boxes(content, boxes))
    return remarks


def _encode(path: Path, pixels: Pixels, quality: int, icc: bytes | None, library: Any) -> None:
    height, width, channels = pixels.shape
    kind = library.UINT16 if pixels.dtype == np.uint16 else library.UINT8
    spec = library.ImageSpec(width, height, channels, kind)
    if channels in (2, 4):
        spec.alpha_channel = channels - 1
        spec.attribute("oiio:UnassociatedAlpha", 1)
    spec.attribute("compression", f"jpegxl:{quality}")
    if icc:
        spec.attribute("ICCProfile", library.TypeDesc(f"uint8[{len(icc)}]"), np.frombuffer(icc, np.uint8))
    output = library.ImageOutput.create(str(path))
    if output is None or not output.open(str(path), spec) or not output.write_image(pixels):
        raise ValueError((output.geterror() if output else library.geterror()) or "OpenImageIO gives no reason")
    output.close()


def _readable(path: Path, library: Any) -> bool:
    """Whether the header can be read again: the encoder takes profiles that no decoder does."""
    file = library.ImageInput.open(str(path))
    library.geterror()  # else the next call would report it
    return file is not None and file.close()


def _with_boxes(content: bytes, boxes: Boxes) -> bytes:
    """The file with EXIF and XMP instead of those that it has."""
    if boxes.exif is None and boxes.xmp is None:
        return content
    parts = [(WHOLE, content)] if content.startswith(CODESTREAM) else list(_boxes(content))
    kept = [(kind, body) for kind, body in parts if kind not in (EXIF, XMP, b"JXL ", b"ftyp")]
    if boxes.exif:
        kept.append((EXIF, bytes(4) + boxes.exif.removeprefix(EXIF_START)))
    if boxes.xmp:
        kept.append((XMP, boxes.xmp))
    return SIGNATURE + TYPE + b"".join(_header(kind, len(body)) + body for kind, body in kept)


def _header(kind: bytes, length: int) -> bytes:
    if length + 8 < 2**32:
        return (length + 8).to_bytes(4, "big") + kind
    return (1).to_bytes(4, "big") + kind + (length + 16).to_bytes(8, "big")


def _boxes(content: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and content of every box."""
    found, at = [], 0
    while at < len(content):
        size, kind, start = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8], at + 8
        if size == 1:
            size, start = int.from_bytes(content[at + 8 : at + 16], "big"), at + 16
        end = len(content) if size == 0 else at + size
        if not start <= end <= len(content):
            raise ValueError("a box reaches beyond the file")
        found.append((kind, content[start:end]))
        at = end
    return found
