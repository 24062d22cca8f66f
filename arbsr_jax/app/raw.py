"""Camera RAW by way of rawpy (LibRaw), an extra: developed as the camera balanced it, 16-bit sRGB."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from arbsr_jax.app import tiff
from arbsr_jax.app.photo import Metadata, Photo
from arbsr_jax.errors import ArbsrError, missing_extra

TURNED = (5, 6)  # LibRaw's flips that swap width and height


def read_raw(path: Path) -> Iterator[Photo]:
    """The developed picture, upright.

    Raises:
      ArbsrError: rawpy is not installed.
      ValueError: the file is damaged, or of a camera that LibRaw does not know.
    """
    with _open(path) as raw:
        pixels = raw.postprocess(output_bps=16, use_camera_wb=True)
    exif = tiff.read_exif(path, 0)
    remarks = ["camera RAW developed: 16-bit sRGB, balanced by the camera"]
    remarks += [] if exif else ["EXIF of this kind of file is not kept"]
    yield Photo(np.ascontiguousarray(pixels), Metadata(exif=exif, kind="raw"), 1, tuple(remarks))


def raw_size(path: Path) -> tuple[int, int]:
    """(height, width) of the developed picture.

    Raises:
      ArbsrError: rawpy is not installed.
      ValueError: the file is damaged, or of a camera that LibRaw does not know.
    """
    with _open(path) as raw:
        sizes = raw.sizes
    upright = sizes.height, sizes.width
    return upright[::-1] if sizes.flip in TURNED else upright


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    try:
        library: Any = importlib.import_module("rawpy")
    except ImportError:
        raise ArbsrError(f"{path}: {missing_extra('rawpy, which develops camera RAW,', 'formats')}") from None
    try:
        with library.imread(str(path)) as raw:
            yield raw
    except library.LibRawError as error:
        raise ValueError(str(error)) from None
