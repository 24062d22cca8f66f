"""HR images to evaluate on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import skimage.data
from jaxtyping import UInt8

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.photos.images import list_images, read_rgb

INNER = ("HR", "DIV2K_valid_HR")  # in dataset folders, of HR images
ALIASES = (("B100", "BSD100", "BSDS100"), ("Urban100", "urban100"), ("Manga109", "manga109"))
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

    def drawn(self, count: int, seed: int) -> Dataset:
        """Some of the images, drawn without repetition, in their order."""
        number = min(count, len(self.images))
        chosen = np.random.default_rng(seed).choice(len(self.images), number, replace=False)
        return Dataset(self.name, [self.images[index] for index in sorted(chosen)])


def open_dataset(folder: Path) -> Dataset:
    """A folder of HR images, or a dataset folder that holds them in `HR/` or as DIV2K does.

    A name below EDSR's `benchmark/` folder may be any alias of the dataset (BSD100 or B100).

    Raises:
      ArbsrError: the folder is missing or holds no image.
    """
    if not folder.is_dir():
        others = next((names for names in ALIASES if folder.name in names), ())
        folder = next((alias for name in others if (alias := folder.with_name(name)).is_dir()), folder)
    inner = next((folder / name for name in INNER if (folder / name).is_dir()), folder)
    paths = list_images(inner)
    resolved = folder.resolve()
    name = resolved.parent.name if resolved.name in INNER else resolved.name
    name = next((names[0] for names in ALIASES if name in names), name)
    return Dataset(name, [HRImage(path.stem, partial(read_rgb, path)) for path in paths])


def find_lr(folder: Path, name: str, scale: Scale) -> UInt8[np.ndarray, "height width 3"]:
    """The LR file of an image: `NAME.png`, or `NAMEx2.png`, in the folder or in its `X2`, `X2.00` or `X2.00_X3.00`.

    Of two factors the vertical one comes first there, as in the names that the authors' code reads.

    Raises:
      ArbsrError: there is none, or it cannot be read.
    """
    vertical, horizontal = float(scale.vertical), float(scale.horizontal)
    inner = [f"X{vertical:.2f}_X{horizontal:.2f}", *([f"X{vertical:.2f}", f"X{vertical:g}"] if scale.symmetric else [])]
    tried = [folder / part / f"{name}{end}.png" for part in (*inner, ".") for end in ("", f"x{vertical:g}")]
    path = next((path for path in tried if path.is_file()), None)
    if path is None:
        raise ArbsrError(f"no LR file in {folder}; tried {', '.join(str(p.relative_to(folder)) for p in tried)}")
    return read_rgb(path)


def sample_photographs() -> Dataset:
    """Photographs that come with scikit-image: nothing to download."""
    return Dataset("skimage", [HRImage(name, partial(_sample, name)) for name in SAMPLES])


def _sample(name: str) -> UInt8[np.ndarray, "height width 3"]:
    return getattr(skimage.data, name)()
