"""HR images to evaluate on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import skimage.data
from jaxtyping import UInt8

from arbsr_jax.data.images import list_images, read_rgb

SAMPLES = ("astronaut", "chelsea", "coffee", "rocket")  # photographs inside scikit-image's package


@dataclass(frozen=True)
class HRImage:
    """A named image, read when it is needed."""

    name: str
    load: Callable[[], UInt8[np.ndarray, "height width 3"]]


@dataclass(frozen=True)
class Dataset:
    """A named list of HR images."""

    name: str
    images: list[HRImage]


def open_dataset(folder: Path) -> Dataset:
    """A folder of HR images, or a dataset folder that holds them in `HR/`.

    Raises:
      ArbsrError: the folder is missing or holds no image.
    """
    inner = folder / "HR"
    paths = list_images(inner if inner.is_dir() else folder)
    resolved = folder.resolve()
    name = resolved.parent.name if resolved.name == "HR" else resolved.name
    return Dataset(name, [HRImage(path.stem, partial(read_rgb, path)) for path in paths])


def sample_photographs() -> Dataset:
    """Photographs that come with scikit-image: nothing to download."""
    return Dataset("skimage", [HRImage(name, partial(_sample, name)) for name in SAMPLES])


def _sample(name: str) -> UInt8[np.ndarray, "height width 3"]:
    return getattr(skimage.data, name)()
