"""Pictures that scale-specific networks made of reduced photographs: targets that hold only what can be known.

Most of an HR image's finest texture cannot be inferred from LR; a network trained on it learns noise. A teacher's
picture lacks it (ECO, arXiv 2312.17526). `arbsr teach` makes them; `PICTURES/x4/NAME.png` is that of HR image `NAME`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from arbsr_jax.data.sources import TrainingImage
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.image_files import image_size, list_images, read_rgb
from arbsr_jax.imaging.scale import PICTURE_SCALES


def attach_teacher_targets(images: Sequence[TrainingImage], folder: Path) -> list[TrainingImage]:
    """The images, each with those of its pictures that the folder holds.

    Raises:
      ArbsrError: the folder holds no picture of any of the images, or one of another size than its image.
    """
    found = {k: _by_stem(folder / f"x{k}") for k in PICTURE_SCALES}
    if not any(Path(image.name).stem in paths for paths in found.values() for image in images):
        raise ArbsrError(
            f"config.teachers.pictures={folder}: has no picture of any training image in x2/, x3/ or x4/; "
            "make some by `arbsr teach`, and train on the images in its folder hr/"
        )
    return [image._replace(pictures=_pictures_of(image, found)) for image in images]


def _by_stem(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in list_images(folder)} if folder.is_dir() else {}


def _pictures_of(image: TrainingImage, found: dict[int, dict[str, Path]]) -> dict[int, partial]:
    pictures = {}
    for k, paths in found.items():
        path = paths.get(Path(image.name).stem)
        if path is None:
            continue
        height, width = image_size(path)
        if (height, width) != image.size:
            raise ArbsrError(
                f"{path}: {width}x{height}, but its HR image {image.name} is {image.size[1]}x{image.size[0]}; "
                "both must have the same size"
            )
        pictures[k] = partial(read_rgb, path)
    return pictures
