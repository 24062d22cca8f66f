"""Decoded images in memory: all of them if they fit, else a part at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8

from arbsr_jax.data.sources import TrainingImage
from arbsr_jax.errors import ArbsrError

CHANNELS = 3


@dataclass(frozen=True)
class ImageStore:
    """Decoded RGB images end to end in one buffer, so that a patch is a slice and never a decode."""

    pixels: UInt8[np.ndarray, "bytes"]
    offsets: Int64[np.ndarray, "images"]  # of each image's first byte
    sizes: Int64[np.ndarray, "images 2"]  # (height, width) in pixels

    @classmethod
    def of(cls, images: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> ImageStore:
        """A store of images of any sizes."""
        lengths = [image.size for image in images]
        return cls(
            np.concatenate([image.reshape(-1) for image in images]),
            np.cumsum([0, *lengths[:-1]], dtype=np.int64),
            np.array([image.shape[:2] for image in images], np.int64),
        )


def decode(images: Sequence[TrainingImage], warn: Callable[[str], None]) -> ImageStore:
    """Decode images in parallel; one that turns out damaged is named and left out.

    Raises:
      ArbsrError: every image is damaged.
    """

    def load(image: TrainingImage) -> UInt8[np.ndarray, "height width 3"] | None:
        try:
            return image.load()
        except ArbsrError as error:
            warn(f"skipped {error}")
            return None

    with ThreadPoolExecutor() as pool:
        decoded = [pixels for pixels in pool.map(load, images) if pixels is not None]
    if not decoded:
        raise ArbsrError(f"none of {len(images)} images could be decoded; see the reasons above")
    return ImageStore.of(decoded)


def decoded_bytes(images: Sequence[TrainingImage]) -> int:
    """Memory that the decoded images take."""
    return sum(CHANNELS * image.size[0] * image.size[1] for image in images)


class Pools:
    """Which images are in memory during which steps: a pure function of (seed, pool number).

    If all fit into `memory` bytes there is one pool for ever. Else every pool holds a random part of at most half of
    the memory, since the next one is decoded while a pool is in use; all images come by before any comes again.
    """

    def __init__(self, images: Sequence[TrainingImage], memory: int, seed: int) -> None:
        self.images, self.seed = list(images), seed
        self.fits = decoded_bytes(images) <= memory
        largest = max(decoded_bytes([image]) for image in images)
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
        order = np.random.default_rng((self.seed, cycle)).permutation(len(self.images))
        return [self.images[index] for index in order[place * self._per_pool : (place + 1) * self._per_pool]]
