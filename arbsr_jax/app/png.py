"""The chunks of a PNG: which are whole, and which say something that libvips does not hand on.

W3C, Portable Network Graphics (PNG) Specification, third edition.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from arbsr_jax.app import colour
from arbsr_jax.app.photo import Resolution, shape_of_pixel

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FRAME = 12  # bytes of a chunk beside its content: length, type, checksum
TEXT = (b"tEXt", b"zTXt", b"iTXt")
COLOUR = (b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI")
XMP = b"XML:com.adobe.xmp\0"  # libvips knows this text
ANIMATION = (b"acTL", b"fcTL", b"fdAT")
LENGTHS = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4, b"mDCV": 24, b"cLLI": 8}
LENGTHS |= {b"pHYs": 9}  # bytes of chunks
DENSEST = 10_000_000  # pixels of pHYs in a metre, or in a length that it does not name
NAMES = {b"iCCP": "colour profile", b"pHYs": "resolution"}  # of chunks, for people
GAMMAS = range(16, 625_000_001)  # of gAMA that libpng takes
MILLIMETRES = 1000  # in the metre of pHYs
Chunk = tuple[bytes, bytes]


class Chunks(NamedTuple):
    """What a PNG holds.

    Attributes:
      content: the file without its damaged chunks.
      kept: text and colour chunks.
      resolution: of pHYs, or None.
      pixel: (width, height) of a pixel, by pHYs without a unit; (1, 1) if they are square.
      frames: of an animation; else 1.
      remarks: what was damaged or says nothing possible, in words.
    """

    content: bytes
    kept: tuple[Chunk, ...]
    resolution: Resolution | None
    pixel: tuple[int, int]
    frames: int
    remarks: tuple[str, ...]


def read_chunks(content: bytes) -> Chunks:
    """Look at every chunk; damaged or impossible ones that the pixels do not need are left out and named.

    Raises:
      ValueError: a chunk that the pixels need is damaged, or the file ends too early.
    """
    whole, kept, damaged, impossible = [SIGNATURE], [], [], []
    resolution, pixel, frames = None, (1, 1), 1
    for kind, body, framed, sound in _walk(content):
        if not sound:
            if kind[:1].isupper() or kind in ANIMATION:  # critical by the specification
                raise ValueError(f"wrong checksum in its {kind.decode()} chunk")
            damaged.append(kind.decode())
            continue
        if not _possible(kind, body):
            impossible.append(NAMES.get(kind, kind.decode()))
            continue
        whole.append(framed)
        if kind in COLOUR or (kind in TEXT and not body.startswith(XMP)):
            kept.append((kind, body))
        elif kind == b"pHYs":
            x, y, unit = struct.unpack(">IIB", body)
            if unit:
                resolution = Resolution(x / MILLIMETRES, y / MILLIMETRES, "cm")
            else:
                pixel = shape_of_pixel(x, y)
        elif kind == b"acTL" and len(body) == 8:
            frames = max(1, struct.unpack(">I", body[:4])[0])
    kinds = {"damaged": damaged, "impossible": impossible}
    remarks = tuple(f"{word} {', '.join(dict.fromkeys(found))} left out" for word, found in kinds.items() if found)
    return Chunks(b"".join(whole), tuple(kept), resolution, pixel, frames, remarks)


def _possible(kind: bytes, body: bytes) -> bool:
    """Whether a chunk has its length, and values that colours or densities can have; others are not looked at."""
    if kind == b"iCCP":
        return _holds_profile(body)
    if kind not in LENGTHS:
        return True
    if len(body) != LENGTHS[kind]:
        return False
    if kind == b"pHYs":
        return all(0 < density <= DENSEST for density in struct.unpack(">II", body[:8]))
    if kind == b"gAMA":
        return int.from_bytes(body, "big") in GAMMAS
    return kind != b"cHRM" or colour.spans_colours(struct.unpack(">8I", body))


def _holds_profile(body: bytes) -> bool:
    """Whether an iCCP chunk holds a profile of the length that its header says."""
    try:
        icc = zlib.decompress(body.partition(b"\0")[2][1:])
    except zlib.error:
        return False
    return bool(colour.space_of(icc)) and len(icc) > colour.HEADER and len(icc) == int.from_bytes(icc[:4], "big")


def _walk(content: bytes) -> Iterator[tuple[bytes, bytes, bytes, bool]]:
    """(type, content, whole chunk, whether its checksum is right) of every chunk up to the last."""
    place = len(SIGNATURE)
    while True:
        length, kind = struct.unpack_from(">I4s", content, place)
        framed = content[place : place + FRAME + length]
        if len(framed) < FRAME + length or not kind.isalpha():
            raise ValueError("it is cut off or damaged between its chunks")
        yield kind, framed[8:-4], framed, zlib.crc32(framed[4:-4]) == int.from_bytes(framed[-4:], "big")
        if kind == b"IEND":
            return
        place += len(framed)


def with_chunks(content: bytes, chunks: tuple[Chunk, ...], *, without: tuple[bytes, ...] = ()) -> bytes:
    """A PNG with chunks put in behind its header, and those of some types taken out."""
    parts = [SIGNATURE]
    for kind, _, framed, _ in _walk(content):
        if kind not in without:
            parts.append(framed)
        if kind == b"IHDR":
            parts += [chunk(*one) for one in chunks]
    return b"".join(parts)


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk with length and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
