"""What libraries raise on damaged files and full discs, and what of it people want to read."""

from __future__ import annotations

import struct
import zlib
from threading import Lock

import pyvips
from PIL import Image

LONGEST = 120  # characters
LIBVIPS = Lock()  # its messages lie in one place for all threads, and what is done with a file depends on them
SYSTEM = "system error: "  # what libvips puts before the operating system's words
UNREADABLE = (  # as seen with thousands of damaged files
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    NotImplementedError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    pyvips.Error,
)


def words_of(error: BaseException) -> str:
    """The reason that an error gives, on one line."""
    text = getattr(error, "strerror", None) or str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("unable to")]
    if system := next((line for line in lines if SYSTEM in line), None):
        return system.partition(SYSTEM)[2]
    joined = " ".join(dict.fromkeys(lines)) or text
    return " ".join(joined.split()).strip(" :'\"")[:LONGEST] or type(error).__name__
