"""The images of a dataset: 8-bit RGB, whatever the files hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from arbsr_jax.errors import ArbsrError
from arbsr_jax.photos.photo import to_8_bit_rgb
from arbsr_jax.photos.reading import read_photo

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def list_images(folder: Path) -> list[Path]:
    """The image files of a dataset's folder, sorted by name; folders inside it are not searched.

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
    """An image file as 8-bit RGB, whatever its own kind; transparency is left out.

    Raises:
      ArbsrError: the file cannot be read as an image.
    """
    return to_8_bit_rgb(read_photo(path).pixels)
