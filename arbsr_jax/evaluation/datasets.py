"""HR images to evaluate on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import skimage.data
from jaxtyping import UInt8

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.image_files import SUFFIXES, list_images, read_rgb
from arbsr_jax.imaging.scale import Scale

INNER = ("HR", "DIV2K_valid_HR")  # in dataset folders, of HR images
ALIASES = (("B100", "BSD100", "BSDS100"), ("Urban100", "urban100"), ("Manga109", "manga109"))
COMPARISON = "_compare"  # what names of side-by-side pictures end in
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

    def sample(self, count: int, seed: int) -> Dataset:
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
    stems = Counter(path.stem for path in paths)
    return Dataset(name, [HRImage(_image_name(path, stems), partial(read_rgb, path)) for path in paths])


def _image_name(path: Path, stems: Counter[str]) -> str:
    """The name without ending, if no other image's results would have the same."""
    twice = stems[path.stem] > 1 or (path.stem.removesuffix(COMPARISON) in stems and path.stem.endswith(COMPARISON))
    return path.name if twice else path.stem


def open_datasets(folders: Sequence[Path]) -> list[Dataset]:
    """Several datasets; to those of one name, names of the folders above are added until all differ.

    Raises:
      ArbsrError: a folder is missing, holds no image, or is given twice.
    """
    datasets, resolved = [open_dataset(folder) for folder in folders], [folder.resolve() for folder in folders]
    twice = [str(folder) for folder, count in Counter(resolved).items() if count > 1]
    if twice:
        raise ArbsrError(f"{twice[0]} is given twice; give each dataset once")
    depth = 1
    while len({dataset.name for dataset in datasets}) < len(datasets):
        names = Counter(dataset.name for dataset in datasets)
        depth += 1
        datasets = [
            replace(dataset, name="_".join(folder.parts[-depth:])) if names[dataset.name] > 1 else dataset
            for dataset, folder in zip(datasets, resolved, strict=True)
        ]
    return datasets


def find_lr(folder: Path, name: str, scale: Scale) -> UInt8[np.ndarray, "height width 3"]:
    """The LR file of an image, under the names that publishers of datasets use.

    `NAME`, `NAMEx2` or `NAME_LRBI_x2`, with any ending of an image, in the folder or in its `X2`, `x2`, `X2.00`,
    `LRbicx2` or `X2.00_X3.00`. Of two factors the vertical one comes first there, as in the authors' code.

    Raises:
      ArbsrError: there is none, or it cannot be read.
    """
    vertical, horizontal = float(scale.vertical), float(scale.horizontal)
    of_one = [f"X{vertical:.2f}", f"X{vertical:g}", f"x{vertical:g}", f"LRbicx{vertical:g}"] if scale.symmetric else []
    inner = [f"X{vertical:.2f}_X{horizontal:.2f}", *of_one, "."]
    ends = ["", *([f"x{vertical:g}", f"_LRBI_x{vertical:g}"] if scale.symmetric else [])]
    tried = [folder / part / f"{name}{end}" for part in inner for end in ends]
    for place in tried:
        for ending in SUFFIXES:
            if (path := place.with_name(place.name + ending)).is_file():
                return read_rgb(path)
    names = ", ".join(str(place.relative_to(folder)) for place in tried)
    raise ArbsrError(f"no LR file in {folder}; tried {names}, each with {' '.join(SUFFIXES)}")


def sample_photographs() -> Dataset:
    """Photographs that come with scikit-image: nothing to download."""
    return Dataset("skimage", [HRImage(name, partial(_sample, name)) for name in SAMPLES])


def _sample(name: str) -> UInt8[np.ndarray, "height width 3"]:
    return getattr(skimage.data, name)()
