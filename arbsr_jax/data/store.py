"""Decoded images in memory: all of them if they fit, else a part at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8

from arbsr_jax.data.sources import TrainingImage
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import PICTURE_SCALES

CHANNELS = 3

Pixels = UInt8[np.ndarray, "_ _ 3"]


@dataclass(frozen=True)
class ImageStore:
    """Decoded RGB images end to end in one buffer, so that a patch is a slice and never a decode.

    Teachers' pictures lie behind the images, each of the size of its image.
    """

    pixels: UInt8[np.ndarray, "bytes"]
    offsets: Int64[np.ndarray, "images"]  # of each image's first byte
    sizes: Int64[np.ndarray, "images 2"]  # (height, width) in pixels
    pictures: Int64[np.ndarray, "images 3"]  # first byte of the picture of each of `PICTURE_SCALES`; -1: there is none

    @classmethod
    def of(cls, images: Sequence[Pixels], pictures: Sequence[Mapping[int, Pixels]] = ()) -> ImageStore:
        """A store of images of any sizes, and for each its teachers' pictures by their scale."""
        pictures = pictures or [{}] * len(images)
        behind = [(n, k, made[k]) for n, made in enumerate(pictures) for k in sorted(made)]
        everything = [*images, *(picture for _, _, picture in behind)]
        offsets = np.cumsum([0, *(array.size for array in everything)], dtype=np.int64)
        of_pictures = np.full((len(images), len(PICTURE_SCALES)), -1, np.int64)
        for (image, k, _), offset in zip(behind, offsets[len(images) : -1], strict=True):
            of_pictures[image, PICTURE_SCALES.index(k)] = offset
        return cls(
            np.concatenate([array.reshape(-1) for array in everything]),
            offsets[: len(images)],
            np.array([image.shape[:2] for image in images], np.int64),
            of_pictures,
        )


def decode(images: Sequence[TrainingImage], warn: Callable[[str], None]) -> ImageStore:
    """Decode images and their pictures in parallel; what turns out damaged is named and left out.

    Raises:
      ArbsrError: every image is damaged.
    """

    def load(load_pixels: Callable[[], Pixels]) -> Pixels | None:
        try:
            return load_pixels()
        except ArbsrError as error:
            warn(f"skipped {error}")
            return None

    def load_all(image: TrainingImage) -> tuple[Pixels, dict[int, Pixels]] | None:
        hr = load(image.load)
        pictures = {k: load(load_picture) for k, load_picture in image.pictures.items() if hr is not None}
        return None if hr is None else (hr, {k: picture for k, picture in pictures.items() if picture is not None})

    with ThreadPoolExecutor() as pool:
        decoded = [pixels for pixels in pool.map(load_all, images) if pixels is not None]
    if not decoded:
        raise ArbsrError(f"none of {len(images)} images could be decoded; see the reasons above")
    return ImageStore.of(*zip(*decoded, strict=True))


def decoded_bytes(images: Sequence[TrainingImage]) -> int:
    """Memory that the decoded images and their pictures take."""
    return sum(CHANNELS * image.size[0] * image.size[1] * (1 + len(image.pictures)) for image in images)


class Pools:
    """Which images are in memory during which steps: a pure function of (seed, pool number).

    If all fit into `memory` bytes there is one pool for ever. Else a process keeps to its own random share of them. If
    that does not fit either, every pool holds a random part of at most half of the memory, since the next one is
    decoded while a pool is in use; all images of the share come by before any comes again.
    """

    def __init__(
        self, images: Sequence[TrainingImage], memory: int, seed: int, process: int = 0, processes: int = 1
    ) -> None:
        """Plan the pools.

        Args:
          images: all images.
          memory: bytes for decoded images.
          seed: of the shares and of the order.
          process: number of this process, from 0.
          processes: how many there are.

        Raises:
          ArbsrError: the memory is too little for the largest image, or there are fewer images than processes.
        """
        self.images, self.seed = list(images), seed
        if decoded_bytes(images) > memory and processes > 1:
            order = np.random.default_rng(seed).permutation(len(images))
            self.images = [images[index] for index in order[process::processes]]
            if not self.images:
                raise ArbsrError(
                    f"{len(images)} images cannot be shared among {processes} processes; raise config.data.memory_gb"
                )
        self.fits = decoded_bytes(self.images) <= memory
        largest = max(decoded_bytes([image]) for image in self.images)
        if not self.fits and largest > memory // 2:
            raise ArbsrError(
                f"an image of {largest / 1e9:.2f} GB decoded does not fit into half of the {memory / 1e9:.2f} GB for "
                "images; raise config.data.memory_gb"
            )
        self._per_pool = len(self.images) if self.fits else max(1, memory // 2 // largest)

    def __len__(self) -> int:
        """Pools in one round over all images."""
        return math.ceil(len(self.images) / self._per_pool)

    def __getitem__(self, number: int) -> list[TrainingImage]:
        """The images of pool `number`, counted from 0 over all rounds."""
        if self.fits:
            return self.images
        cycle, place = divmod(number, len(self))
        count = len(self.images)
        order = np.random.default_rng((self.seed, cycle)).permutation(count)
        bounds = [at * count // len(self) for at in (place, place + 1)]  # pools of one size, to an image
        return [self.images[index] for index in order[slice(*bounds)]]
