"""A picture file to pixels, without its metadata: for data, evaluation and teaching."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from jaxtyping import UInt8
from PIL import Image

from arbsr_jax.errors import ArbsrError, words_of
from arbsr_jax.files import atomic_write
from arbsr_jax.imaging import pixels as of_files
from arbsr_jax.imaging.turns import by_libvips
from arbsr_jax.typing import Pixels

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
TIFFS = (".tif", ".tiff")


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
    """An image file as 8-bit RGB, upright, whatever its own kind; transparency is left out.

    Raises:
      ArbsrError: the file cannot be read as an image.
    """
    return of_files.to_8_bit_rgb(read_pixels(path))


def read_pixels(path: Path) -> Pixels:
    """The first picture of a file, upright, with the depth and the channels that it has there.

    Raises:
      ArbsrError: the file cannot be read as an image.
    """
    with failures_named(path):
        if path.suffix.lower() in TIFFS and of_files.needs_pillow(path):
            return _by_pillow(path, ("TIFF",))
        pixels = by_libvips(partial(_decoded, path))
        return _by_pillow(path, of_files.SIMPLE) if pixels is None else pixels


def image_size(path: Path) -> tuple[int, int]:
    """(height, width) in pixels of what `read_pixels` gives, from the file's header alone.

    Raises:
      ArbsrError: the file cannot be read.
    """
    with failures_named(path):
        image = by_libvips(partial(_opened, path))
        if image is not None:
            return of_files.upright_size(image)
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=of_files.SIMPLE) as simple:
            return simple.height, simple.width


def write_png(path: Path, image: UInt8[np.ndarray, "height width 3"]) -> None:
    """Write 8-bit RGB without loss, whole or not at all.

    Raises:
      ArbsrError: the file cannot be written.
    """
    try:
        with atomic_write(path) as unfinished:
            picture: Any = pyvips.Image.new_from_array(np.ascontiguousarray(image))
            unfinished.write_bytes(by_libvips(picture.pngsave_buffer))
    except Exception as error:  # a full disc, say
        raise ArbsrError(f"{path}: cannot be written ({words_of(error)})") from None


@contextmanager
def failures_named(path: Path) -> Iterator[None]:
    """What libraries raise on damaged files becomes one line that names the file."""
    if not path.is_file():  # pipes and devices too: reading them might never end
        raise ArbsrError(f"{path}: {'not a regular file' if path.exists() else 'no such file'}")
    try:
        yield
    except ArbsrError:
        raise
    except Exception as error:  # whatever a damaged file provokes in a library
        words = words_of(error).replace(str(path), "the file")
        raise ArbsrError(f"{path}: not a readable image ({words}); replace or remove the file") from None


def _opened(path: Path) -> Any:
    """A libvips image; None if Pillow reads the file and libvips does not."""
    try:
        return of_files.open_image(path)
    except pyvips.Error:
        try:
            with warnings.catch_warnings(action="ignore"), Image.open(path, formats=of_files.SIMPLE):
                return None
        except Exception:
            pass
        raise


def _decoded(path: Path) -> Pixels | None:
    image = _opened(path)
    return None if image is None else of_files.pixels_of(image.autorot())[0]


def _by_pillow(path: Path, formats: tuple[str, ...]) -> Pixels:
    with warnings.catch_warnings(action="ignore"), Image.open(path, formats=formats) as image:
        return of_files.simple_pixels(image)[0]
