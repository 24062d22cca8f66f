"""Training images, decoded once and kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from arbsr_jax.data.images import list_images, read_rgb
from arbsr_jax.errors import ArbsrError


@dataclass(frozen=True)
class ImageStore:
    """Decoded RGB images end to end in one buffer, so that a patch is a slice and never a decode."""

    pixels: UInt8[np.ndarray, "bytes"]
    offsets: Int64[np.ndarray, "images"]  # of each image's first byte
    sizes: Int64[np.ndarray, "images 2"]  # (height, width) in pixels

    @classmethod
    def of(cls, images: Sequence[UInt8[np.ndarray, "height width 3"]]) -> ImageStore:
        """A store of images of any sizes."""
        lengths = [image.size for image in images]
        offsets = np.cumsum([0, *lengths[:-1]], dtype=np.int64)
        return cls(
            np.concatenate([image.reshape(-1) for image in images]),
            offsets,
            np.array([image.shape[:2] for image in images], np.int64),
        )


def load_folders(folders: Sequence[Path], smallest: tuple[int, int], warn: Callable[[str], None] = print) -> ImageStore:
    """All images of some folders, except those below `smallest` (height, width) or unreadable, which are named.

    Raises:
      ArbsrError: a folder is missing or empty, or no image is left.
    """
    paths = [path for folder in folders for path in list_images(folder)]

    def usable(path: Path) -> UInt8[np.ndarray, "height width 3"] | None:
        try:
            image = read_rgb(path)
        except ArbsrError as error:
            warn(f"skipped {error}")
            return None
        if image.shape[0] < smallest[0] or image.shape[1] < smallest[1]:
            warn(f"skipped {path}: {image.shape[1]}x{image.shape[0]}; patches need {smallest[1]}x{smallest[0]} pixels")
            return None
        return image

    with ThreadPoolExecutor() as pool:
        images = [image for image in pool.map(usable, paths) if image is not None]
    if not images:
        raise ArbsrError(f"none of {len(paths)} images is usable; see the reasons above")
    return ImageStore.of(images)
