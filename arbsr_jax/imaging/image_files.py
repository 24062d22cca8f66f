"""Finding and reading image files."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from arbsr_jax.errors import ArbsrError

# What Pillow raises on damaged files, as seen with thousands of them.
UNREADABLE = (
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
)
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def list_images(folder: Path) -> list[Path]:
    """The image files of a folder, sorted by name; folders inside it are not searched.

    Raises:
      ArbsrError: the folder does not exist or holds no image.
    """
    if not folder.is_dir():
        raise ArbsrError(f"{folder}: no such folder; give a folder of images")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ArbsrError(f"{folder}: no images in it; files ending in {' '.join(SUFFIXES)} are read")
    return paths


def read_rgb(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """An image file as RGB, whatever its own mode.

    Raises:
      ArbsrError: the file cannot be read as an image.
    """
    with opened(path) as image:
        return np.asarray(image.convert("RGB"))


def image_size(path: Path) -> tuple[int, int]:
    """(height, width) in pixels, from the file's header alone.

    Raises:
      ArbsrError: the file cannot be read as an image.
    """
    with opened(path) as image:
        return image.height, image.width


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """An image file, open.

    Raises:
      ArbsrError: it cannot be read, then or within the context.
    """
    if not path.is_file():  # pipes and devices too: reading them might never end
        raise ArbsrError(f"{path}: {'not a regular file' if path.exists() else 'no such file'}")
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            yield image
    except ArbsrError:
        raise
    except UNREADABLE as error:
        reason = " ".join(str(error).replace(str(path), "").split()).strip(" :'\"") or type(error).__name__
        raise ArbsrError(f"{path}: not a readable image ({reason}); replace or remove the file") from None
