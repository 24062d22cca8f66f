"""What a JPEG holds beside the one picture that is read: the shape of its pixels, and pictures and films behind it.

CIPA DC-007 (multi-picture format), ISO 21496-1 and Ultra HDR (gain maps), Google's Motion Photo format.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from arbsr_jax.app.photo import shape_of_pixel

SEGMENT, SCAN = 0xFF, 0xDA
ALONE = range(0xD0, 0xD9)  # markers without a length
JFIF, SEVERAL, XMP = b"JFIF\0", b"MPF\0", b"http://ns.adobe.com/xap/1.0/\0"
COUNT_TAG = 0xB001  # of images, in the index of a multi-picture file
LONGEST_HEADER = 2**20  # bytes before the picture that are looked at
# What XMP says of things behind the picture, by name; and the directory of all of them.
PROMISES = {
    "gain map": rb"hdrgm:\w+",
    "film of a motion photo": rb"(?:GCamera|Camera):(?:MotionPhoto|MicroVideo)\w*",
}
DIRECTORY = rb"(?:Container:Directory|GContainer:Directory)"


def pixel_shape(segments: Sequence[bytes]) -> tuple[int, int]:
    """(width, height) of a pixel, if the file tells its shape without a unit (JFIF 1.02); else (1, 1)."""
    body = next((body for body in segments if body.startswith(JFIF)), b"")
    if len(body) < 12 or body[7]:
        return 1, 1
    x, y = struct.unpack(">HH", body[8:12])
    return shape_of_pixel(x, y) if x and y else (1, 1)


def left_behind(segments: Sequence[bytes]) -> list[str]:
    """What stands behind the picture and is not read, in words."""
    xmp = next((body.removeprefix(XMP) for body in segments if body.startswith(XMP)), b"")
    found = [name for name, words in PROMISES.items() if re.search(words, xmp)]
    count = next((_count(body.removeprefix(SEVERAL)) for body in segments if body.startswith(SEVERAL)), 1)
    if not found and count > 1:
        found.append(f"{count - 1} more picture{'s' * (count > 2)}")
    return [f"{name} left out" for name in found]


def without_promises(xmp: bytes) -> bytes:
    """XMP that says nothing of what stood behind the picture."""
    for words in (*PROMISES.values(), DIRECTORY):
        xmp = re.sub(rb"\s*<(" + words + rb")\b[^>]*?(?:/>|>.*?</\1\s*>)", b"", xmp, flags=re.DOTALL)
        xmp = re.sub(rb"\s+" + words + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')", b"", xmp)
    return xmp


def read_segments(path: Path) -> Iterator[bytes]:
    """The contents of the segments before the picture; they end where the file makes no sense."""
    with path.open("rb") as file:
        content = file.read(LONGEST_HEADER)
    place = 2
    while place + 4 <= len(content) and content[place] == SEGMENT:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        if marker == SCAN or length < 2:
            return
        if marker in ALONE or marker == SEGMENT:
            place += 2 if marker in ALONE else 1
            continue
        yield content[place + 4 : place + 2 + length]
        place += 2 + length


def _count(index: bytes) -> int:
    """Images of a multi-picture file, by its index, a TIFF directory; 1 if it makes no sense."""
    order = {b"II*\0": "little", b"MM\0*": "big"}.get(index[:4])
    if not order:
        return 1

    def number(at: int, size: int) -> int:
        return int.from_bytes(index[at : at + size], order)  # pyright: ignore[reportArgumentType]

    first = number(4, 4)
    for at in range(first + 2, min(first + 2 + 12 * number(first, 2), len(index) - 11), 12):
        if number(at, 2) == COUNT_TAG:
            return max(1, number(at + 8, 4))
    return 1
