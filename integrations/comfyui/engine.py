"""ONNX networks for every scale, run tile by tile with onnxruntime alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

LARGEST = 8
TILE, OVERLAP = 192, 24  # LR pixels; tiles begin at even ones
WHITE = 255.0
INPUTS = ["lr", "rows", "columns"]


class Span(NamedTuple):
    """One axis of a tile.

    Attributes:
      lr: the pixels that it sees.
      hr: the pixels that it makes.
      numbers: what the network is told about them: p, q, origin, first, stop, length.
    """

    lr: slice
    hr: slice
    numbers: np.ndarray


class Engine:
    """A network that is ready."""

    def __init__(self, content: bytes) -> None:
        self._session = onnxruntime.InferenceSession(content, providers=onnxruntime.get_available_providers())
        if [given.name for given in self._session.get_inputs()] != INPUTS:
            raise ValueError("this network is for one scale; export it without --scale and --plain")

    @classmethod
    @functools.lru_cache(maxsize=2)
    def of(cls, paths: tuple[str, ...], restore: float) -> Engine:
        """One network, or what lies between two at `restore`, from 0 (the first) to 1 (the second).

        Raises:
          ValueError: the two have different layers.
        """
        first, *second = (onnx.load(path) for path in paths)
        for other in second:
            interpolate(first, other, restore)
        return cls(first.SerializeToString())

    def size_of(self, lr: Sequence[int], wished: tuple[int, int]) -> tuple[int, int]:
        """(height, width) of the result for an image of (height, width); a wished side of 0 keeps the shape.

        Raises:
          ValueError: the image would have to be made smaller, or larger than `LARGEST` times.
        """
        (height, width), (wide, tall) = lr, wished
        if not (wide or tall):
            raise ValueError("give a width, a height, or both")
        size = tall or round(height * wide / width), wide or round(width * tall / height)
        for side, large in zip(lr, size, strict=True):
            if not side <= large <= LARGEST * side:
                allowed = f"{width}x{height} to {LARGEST * width}x{LARGEST * height}"
                raise ValueError(f"{size[1]}x{size[0]} is out of reach of an image of {width}x{height}: {allowed}")
        return size

    def tiles(self, lr: Sequence[int]) -> int:
        """How many tiles an image of (height, width) has."""
        return int(np.prod([-(-side // TILE) for side in lr]))

    def enlarge(self, image: np.ndarray, size: tuple[int, int], advance: Callable[[], None]) -> np.ndarray:
        """An image [height, width, 3] of 0 to 1 at a size (height, width); `advance` is called after each tile."""
        pixels = image[None].astype(np.float32) * WHITE
        rows, columns = (list(spans(*axis)) for axis in zip(image.shape[:2], size, strict=True))
        result = np.empty((*size, 3), np.float32)
        for row in rows:
            for column in columns:
                feeds = [np.ascontiguousarray(pixels[:, row.lr, column.lr]), row.numbers, column.numbers]
                result[row.hr, column.hr] = self._session.run(None, dict(zip(INPUTS, feeds, strict=True)))[0][0]
                advance()
        return np.clip(result / WHITE, 0, 1)


def spans(side: int, length: int) -> Iterator[Span]:
    """The tiles of an axis of `side` pixels whose result has `length` pixels."""
    factor = Fraction(length, side)
    for first in range(0, side, TILE):
        stop, origin = min(side, first + TILE), max(0, first - OVERLAP)
        hr = int(first * factor), length if stop == side else int(stop * factor)
        numbers = np.array([*factor.as_integer_ratio(), origin, *hr, length], np.int64)
        yield Span(slice(origin, stop + OVERLAP), slice(*hr), numbers)


def interpolate(network: onnx.ModelProto, other: onnx.ModelProto, share: float) -> None:
    """Move the weights of a network towards those of another with the same layers; share 1: all the way.

    Raises:
      ValueError: the two have different layers.
    """
    theirs = {weight.name: weight for weight in other.graph.initializer}
    for weight in network.graph.initializer:
        mine = numpy_helper.to_array(weight)
        if weight.name not in theirs or (goal := numpy_helper.to_array(theirs[weight.name])).shape != mine.shape:
            raise ValueError("the two networks do not belong together; export a model and the one that restores it")
        if np.issubdtype(mine.dtype, np.floating):
            between = ((1 - share) * mine + share * goal).astype(mine.dtype)
            weight.CopyFrom(numpy_helper.from_array(between, weight.name))
