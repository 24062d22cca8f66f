"""Decoded images in memory: all of them if they fit, else a part at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8

from arbsr_jax.data.sources import Load, TrainingImage
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import PICTURE_SCALES

CHANNELS = 3
ALIGNMENT = 64  # bytes, of TensorFlow's tensors

StoredImage = UInt8[np.ndarray, "_ _ 3"]


@dataclass(frozen=True)
class ImageStore:
    """Decoded RGB images end to end in one buffer, so that a patch is a slice and never a decode.

    Teachers' pictures lie behind their images, each of the size of its image.
    """

    pixels: UInt8[np.ndarray, "bytes"]
    offsets: Int64[np.ndarray, "images"]  # of each image's first byte
    sizes: Int64[np.ndarray, "images 2"]  # (height, width) in pixels
    pictures: Int64[np.ndarray, "images 3"]  # first byte of the picture of each of `PICTURE_SCALES`; -1: there is none

    @classmethod
    def of(cls, images: Sequence[StoredImage], pictures: Sequence[Mapping[int, StoredImage]] = ()) -> ImageStore:
        """A store of images of any sizes, and for each its teachers' pictures by their scale."""
        pictures = pictures or [{}] * len(images)
        loaded = [
            TrainingImage("", image.shape[:2], lambda i=image: i, {k: lambda p=p: p for k, p in made.items()})
            for image, made in zip(images, pictures, strict=True)
        ]
        return decode(loaded, lambda line: None)


def decode(images: Sequence[TrainingImage], warn: Callable[[str], None]) -> ImageStore:
    """Decode images and their pictures in parallel; what turns out damaged is named and left out.

    Each is written to its place at once: beside the store there are as many decoded images as threads.

    Raises:
      ArbsrError: every image is damaged.
    """
    first_bytes = np.cumsum([0, *(decoded_bytes([image]) for image in images)], dtype=np.int64)
    pixels = _aligned(int(first_bytes[-1]))

    def load(image: TrainingImage, load_pixels: Load, offset: int) -> int:
        """The offset, with the pixels there; -1 if they cannot be had."""
        try:
            decoded = load_pixels()
            if decoded.shape[:2] != image.size:
                raise ArbsrError(f"{image.name}: has changed its size since this run began")
        except ArbsrError as error:
            warn(f"skipped {error}")
            return -1
        pixels[offset : offset + decoded.size] = decoded.reshape(-1)
        return offset

    def load_all(image: TrainingImage, offset: int) -> tuple[int, list[int]]:
        at, places = load(image, image.load, offset), [-1] * len(PICTURE_SCALES)
        for number, (k, load_picture) in enumerate(sorted(image.pictures.items()) if at >= 0 else (), start=1):
            behind = offset + number * decoded_bytes([image]) // (1 + len(image.pictures))
            places[PICTURE_SCALES.index(k)] = load(image, load_picture, behind)
        return at, places

    with ThreadPoolExecutor() as pool:
        places = list(pool.map(load_all, images, first_bytes[:-1].tolist()))
    whole = [number for number, (offset, _) in enumerate(places) if offset >= 0]
    if not whole:
        raise ArbsrError(f"none of {len(images)} images could be decoded; see the reasons above")
    return ImageStore(
        pixels,
        np.array([places[number][0] for number in whole], np.int64),
        np.array([images[number].size for number in whole], np.int64),
        np.array([places[number][1] for number in whole], np.int64),
    )


def _aligned(size: int) -> UInt8[np.ndarray, "bytes"]:
    """A buffer that TensorFlow can use without a copy."""
    spare = np.empty(size + ALIGNMENT, np.uint8)
    first = -spare.ctypes.data % ALIGNMENT
    return spare[first : first + size]


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
