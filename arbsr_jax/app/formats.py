"""The kinds of picture files: their first bytes, the library that reads them, and what a written one can hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from arbsr_jax.app import jpeg_xl, png, tiff

# Libraries that read; all but the first two are extras.
LIBVIPS, PILLOW, OPENIMAGEIO, PILLOW_HEIF, RAWPY = "libvips", "Pillow", "OpenImageIO", "pillow-heif", "rawpy"
START = 64  # bytes of a file that tell its kind
ANY = 2**31 - 1
HEVC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}  # brands of its `ftyp` box
AV1 = {b"avif", b"avis"}


class Format(NamedTuple):
    """What a kind of file can hold.

    Attributes:
      name: libvips' word for it.
      alpha: whether transparency is kept; else it is laid over white.
      bits: of 16 that are kept.
      gray: whether gray stays gray.
      longest: side in pixels that it can have.
      options: of libvips, beside the quality.
      metadata: whether it has any.
    """

    name: str
    alpha: bool
    bits: int
    gray: bool
    longest: int
    options: dict[str, Any]
    metadata: bool = True

    @property
    def title(self) -> str:
        """As people write it."""
        return {"webp": "WebP", "heif": "AVIF", "jpegxl": "JPEG XL"}.get(self.name, self.name.upper())


class Kind(NamedTuple):
    """One kind of file.

    Attributes:
      name: libvips' word for it, or the reading library's.
      library: that reads it.
      endings: of its files.
      starts: whether a file with these first bytes is of this kind; None: the ending alone tells.
    """

    name: str
    library: str
    endings: tuple[str, ...]
    starts: Callable[[bytes], bool] | None


def _with(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda start: start.startswith(starts)


def _brands(start: bytes) -> set[bytes]:
    """The brands that a file of ISO's container names."""
    if start[4:8] != b"ftyp":
        return set()
    brands = start[8 : int.from_bytes(start[:4], "big")]
    return {brands[at : at + 4] for at in range(0, len(brands) - 3, 4)}


def _deep_pnm(start: bytes) -> bool:
    """Whether a PPM or PGM has more than 8 bits: its third number is the value of white."""
    words = [word for line in start.split(b"\n") for word in line.partition(b"#")[0].split()]
    deep = len(words) > 3 and words[3].isdigit() and int(words[3]) > np.iinfo(np.uint8).max
    return start[:2] in (b"P6", b"P5") and deep


LIKE_GRADIENTS = {"compression": "deflate", "predictor": "horizontal"}
PNG = Format("png", alpha=True, bits=16, gray=True, longest=ANY, options={})
JPEG = Format("jpeg", alpha=False, bits=8, gray=True, longest=65_500, options={"subsample_mode": "off"})
TIFF = Format("tiff", alpha=True, bits=16, gray=True, longest=ANY, options=LIKE_GRADIENTS)
WEBP = Format("webp", alpha=True, bits=8, gray=False, longest=16_383, options={"effort": 4})
AVIF = Format("heif", alpha=True, bits=12, gray=False, longest=16_384, options={"compression": "av1", "effort": 4})
JPEG_XL = Format("jpegxl", alpha=True, bits=16, gray=False, longest=ANY, options={})
BMP = Format("bmp", alpha=False, bits=8, gray=True, longest=ANY, options={}, metadata=False)
WITH_QUALITY = (JPEG, WEBP, AVIF)

ANIMATED = "avis"  # an AVIF of several frames
RAW_ENDINGS = (".dng", ".nef", ".nrw", ".cr2", ".cr3", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw")
SIMPLE_ENDINGS = (".bmp", ".dib", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".pcx", ".ico")
KINDS = (  # the first that fits is it
    Kind("raw", RAWPY, RAW_ENDINGS, None),  # most are TIFFs, of which the first page is a small preview
    Kind("heic", PILLOW_HEIF, (".heic", ".heif", ".hif"), lambda s: bool(_brands(s) & HEVC) and not _brands(s) & AV1),
    Kind("png", LIBVIPS, (".png",), _with(png.SIGNATURE)),
    Kind("jpeg", LIBVIPS, (".jpg", ".jpeg", ".jpe", ".jfif"), _with(b"\xff\xd8\xff")),
    Kind("gif", LIBVIPS, (".gif",), _with(b"GIF8")),
    Kind("tiff", LIBVIPS, (".tif", ".tiff"), _with(*tiff.CLASSIC, b"II+\0", b"MM\0+")),
    Kind("webp", LIBVIPS, (".webp",), lambda s: s[:4] == b"RIFF" and s[8:12] == b"WEBP"),
    Kind(ANIMATED, LIBVIPS, (), lambda s: s[4:12] == b"ftypavis"),
    Kind("heif", LIBVIPS, (".avif",), lambda s: s[4:8] == b"ftyp" and s[8:12] in (b"avif", b"mif1", b"msf1")),
    Kind("jpegxl", OPENIMAGEIO, (jpeg_xl.ENDING,), _with(b"\xff\x0a", b"\0\0\0\x0cJXL ")),
    Kind("jpeg2000", OPENIMAGEIO, (".jp2", ".j2k", ".jpx"), _with(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")),
    Kind("psd", OPENIMAGEIO, (".psd",), _with(b"8BPS")),
    Kind("openexr", OPENIMAGEIO, (".exr",), _with(b"v/1\x01")),
    Kind("sgi", OPENIMAGEIO, (".sgi",), _with(b"\x01\xda")),
    Kind("hdr", OPENIMAGEIO, (".hdr",), _with(b"#?RADIANCE")),
    Kind("pnm", OPENIMAGEIO, (), _deep_pnm),
    Kind("simple", PILLOW, SIMPLE_ENDINGS, lambda start: True),  # or it says what is wrong
)
READ_ENDINGS = tuple(ending for kind in KINDS for ending in kind.endings)
FORMATS = {".png": PNG, ".jpg": JPEG, ".jpeg": JPEG, ".tif": TIFF, ".tiff": TIFF, ".webp": WEBP, ".avif": AVIF}
FORMATS |= {jpeg_xl.ENDING: JPEG_XL, ".bmp": BMP}


def kind_of(path: Path) -> Kind:
    """The kind of a file, by its first bytes, or its ending where only that tells."""
    with path.open("rb") as file:
        start = file.read(START)
    ending = path.suffix.lower()
    return next(kind for kind in KINDS if (kind.starts(start) if kind.starts else ending in kind.endings))
