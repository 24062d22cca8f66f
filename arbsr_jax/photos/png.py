"""The chunks of a PNG: which are whole, and which say something that libvips does not hand on.

W3C, Portable Network Graphics (PNG) Specification, third edition.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from arbsr_jax.photos.photo import Resolution

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FRAME = 12  # bytes of a chunk beside its content: length, type, checksum
TEXT = (b"tEXt", b"zTXt", b"iTXt")
COLOUR = (b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI")
XMP = b"XML:com.adobe.xmp\0"  # libvips knows this text
ANIMATION = (b"acTL", b"fcTL", b"fdAT")
MILLIMETRES = 1000  # in the metre of pHYs
Chunk = tuple[bytes, bytes]


class Chunks(NamedTuple):
    """What a PNG holds.

    Attributes:
      content: the file without its damaged chunks.
      kept: text and colour chunks.
      resolution: of pHYs, or None.
      frames: of an animation; else 1.
      remarks: what was damaged, in words.
    """

    content: bytes
    kept: tuple[Chunk, ...]
    resolution: Resolution | None
    frames: int
    remarks: tuple[str, ...]


def read_chunks(content: bytes) -> Chunks:
    """Look at every chunk; damaged ones that the pixels do not need are left out and named.

    Raises:
      ValueError: a chunk that the pixels need is damaged, or the file ends too early.
    """
    whole, kept, damaged = [SIGNATURE], [], []
    resolution, frames = None, 1
    for kind, body, framed, sound in _walk(content):
        if not sound:
            if kind[:1].isupper() or kind in ANIMATION:  # critical by the specification
                raise ValueError(f"wrong checksum in its {kind.decode()} chunk")
            damaged.append(kind.decode())
            continue
        whole.append(framed)
        if kind in COLOUR or (kind in TEXT and not body.startswith(XMP)):
            kept.append((kind, body))
        elif kind == b"pHYs" and len(body) == 9 and body[8]:
            x, y, _ = struct.unpack(">IIB", body)
            resolution = Resolution(x / MILLIMETRES, y / MILLIMETRES, "cm")
        elif kind == b"acTL" and len(body) == 8:
            frames = max(1, struct.unpack(">I", body[:4])[0])
    remarks = (f"damaged {', '.join(dict.fromkeys(damaged))} left out",) if damaged else ()
    return Chunks(b"".join(whole), tuple(kept), resolution, frames, remarks)


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
