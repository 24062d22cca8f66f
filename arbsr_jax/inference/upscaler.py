"""From a uint8 image to a larger uint8 image."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from numbers import Real
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt8

from arbsr_jax import checkpoint, parallel
from arbsr_jax.errors import ArbsrError
from arbsr_jax.inference.strips import decode_in_strips
from arbsr_jax.inference.tiling import DEFAULT_MEMORY, OVERLAP, PIECE, Piece, Span, pieces, spans, tile_side
from arbsr_jax.models.area import WHOLE, Area
from arbsr_jax.models.network import Parameters, SRNetwork
from arbsr_jax.ops.geometry import LARGEST_SCALE, SMALLEST_SCALE, Grid, Scale, grid_of_piece

ScaleLike = Scale | str | Real | tuple[Real, Real]


class Upscaler:
    """A network ready for use. Programs are compiled per array shape, never per scale, and kept.

    Images are computed in tiles of a few fixed shapes (see `tiling`), so that a folder of images of any sizes needs a
    handful of programs, and an image of any size a bounded amount of memory.

    Attributes:
      model: what the model file holds.
      programs: number of programs compiled so far.
      compile_seconds: time spent on that.
    """

    def __init__(self, model: checkpoint.Model, tile: int | None = None, memory: int = DEFAULT_MEMORY) -> None:
        """Set up; nothing is compiled yet.

        Args:
          model: what the model file holds.
          tile: side of the LR tiles in pixels; 0: each image as a whole; None: what suits image and memory.
          memory: bytes that computing one tile may take.

        Raises:
          ArbsrError: the tile is too small.
        """
        if tile and (tile <= 2 * OVERLAP or tile % 2):
            raise ArbsrError(f"tiles of {tile} pixels do not work; give an even number above {2 * OVERLAP}, or 0")
        self.model, self._tile, self._memory = model, tile, memory
        self.compile_seconds = 0.0
        self._network = SRNetwork(model.config)
        self._parameters = jax.device_put(model.parameters)
        self._compiled: dict[tuple, jax.stages.Compiled] = {}

    @property
    def tile(self) -> int | None:
        """Side of the LR tiles as asked for: 0: whole images; None: what suits."""
        return self._tile

    @property
    def digest(self) -> str:
        """Of config and parameters: what makes one network differ from another."""
        digest = hashlib.blake2b(repr(self.model.config).encode(), digest_size=16)
        for path, leaf in sorted(checkpoint.by_path(self.model.parameters).items()):
            digest.update(path.encode() + np.ascontiguousarray(leaf).tobytes())
        return digest.hexdigest()

    @property
    def compiled(self) -> list[jax.stages.Compiled]:
        """The programs compiled so far."""
        return list(self._compiled.values())

    @property
    def programs(self) -> int:  # noqa: D102 (described above)
        return len(self._compiled)

    def replace_parameters(self, parameters: Parameters) -> None:
        """Use other parameters of the same network; compiled programs stay."""
        self._parameters = jax.device_put(parameters)

    def upscale(
        self,
        image: UInt8[np.ndarray, "height width 3"],
        scale: ScaleLike | None = None,
        size: tuple[int, int] | None = None,
    ) -> UInt8[np.ndarray, "new_height new_width 3"]:
        """Super-resolve one RGB image.

        Args:
          image: uint8, [height, width, 3].
          scale: one factor, or (horizontal, vertical), or '2.5x3.5'; each from 1 to 8. The result has
            `height * vertical` x `width * horizontal` pixels, each rounded half up.
          size: instead of a scale, the result's (width, height) in pixels.

        Raises:
          ArbsrError: the image is no uint8 RGB array, the scale or size is not allowed, or the network is
            scale-specific and made for another scale.
        """
        return self._whole(image, *self._checked(image, scale, size), self._decode_rounded, np.uint8)

    def upscale_unrounded(
        self,
        image: UInt8[np.ndarray, "height width 3"],
        scale: ScaleLike | None = None,
        size: tuple[int, int] | None = None,
    ) -> Float32[np.ndarray, "new_height new_width 3"]:
        """`upscale` before rounding and clipping, in 0..255."""
        return self._whole(image, *self._checked(image, scale, size), self._decode, np.float32)

    def _checked(
        self, image: np.ndarray, scale: ScaleLike | None, size: tuple[int, int] | None
    ) -> tuple[Scale, tuple[int, int]]:
        _check_image(image)
        scale, hr_size = target(image.shape[:2], scale, size)
        only = self.model.config.scale
        if only and scale != Scale.of(only):
            raise ArbsrError(f"{self.model.name} is a network for scale {only} alone, not {scale}")
        return scale, hr_size

    def _whole(
        self, image: np.ndarray, scale: Scale, hr_size: tuple[int, int], decode: Callable[..., Array], dtype: type
    ) -> np.ndarray:
        result = np.empty((*hr_size, 3), dtype)
        written = 0
        for rows, columns, piece in self._pieces(image, scale, hr_size, decode):
            result[rows, columns] = piece
            written += piece.size
        if written != result.size:
            raise RuntimeError(f"{written} of {result.size} values were computed")
        return result

    def _pieces(
        self, image: np.ndarray, scale: Scale, hr_size: tuple[int, int], decode: Callable[..., Array]
    ) -> Iterator[tuple[slice, slice, np.ndarray]]:
        """Rows, columns and pixels of parts of the result that cover it without overlapping."""
        lr_size = image.shape[:2]
        if self._tile == 0:
            tile, canvas = lr_size, hr_size
        else:
            side = self._tile or tile_side(*lr_size, self.model.config, self._memory)
            tile = (side, side)
            # Pixel shuffle enlarges a tile as a whole, from its first pixel on.
            canvas = (side * self.model.config.scale,) * 2 if self.model.config.scale else (PIECE, PIECE)
        factors = scale.vertical, scale.horizontal
        rows, columns = (spans(length, side) for length, side in zip(lr_size, tile, strict=True))
        for tile_spans in itertools.product(rows, columns):
            origin, valid = [s.origin for s in tile_spans], [s.valid for s in tile_spans]
            lr = np.zeros((1, *tile, 3), np.float32)
            seen = tuple(slice(s.origin, s.origin + s.valid) for s in tile_spans)
            lr[0, : valid[0], : valid[1]] = image[seen]
            area = WHOLE if self._tile == 0 else Area(np.array(valid, np.int32))
            features = self._run(self._encode, lr, np.array(factors, np.float32), area)
            axes = zip(tile_spans, factors, lr_size, hr_size, canvas, strict=True)
            for parts in itertools.product(*(self._parts(*axis) for axis in axes)):
                start = [part.start for part in parts]
                size = tuple(min(c, n - s) for c, n, s in zip(canvas, hr_size, start, strict=True))
                grid = grid_of_piece(scale, start, size, origin, canvas)
                inside = WHOLE if self._tile == 0 else Area(grid.size)
                sr = np.asarray(self._run(decode, features, grid, area, inside))[0]
                kept = [slice(part.first - part.start, part.stop - part.start) for part in parts]
                yield *(slice(part.first, part.stop) for part in parts), sr[kept[0], kept[1]]

    def _parts(self, span: Span, factor: Fraction, lr_length: int, hr_length: int, side: int) -> list[Piece]:
        if not self.model.config.scale:
            return pieces(span, factor, lr_length, hr_length, side)
        scale = self.model.config.scale
        return [Piece(span.origin * scale, span.first * scale, span.stop * scale)]

    def _run(self, function: Callable[..., Array], *arguments: Any) -> Array:
        """A compiled call; the program is kept for these shapes."""
        leaves, structure = jax.tree.flatten(arguments)
        key = (function.__name__, structure, tuple(leaf.shape for leaf in leaves))
        if key not in self._compiled:
            begin = time.perf_counter()
            lowered = jax.jit(function).lower(self._parameters, *arguments)
            self._compiled[key] = lowered.compile(compiler_options=parallel.compiler_options())
            self.compile_seconds += time.perf_counter() - begin
        return self._compiled[key](self._parameters, *arguments)

    def _encode(self, parameters: Parameters, lr: Array, scale: Array, area: Area) -> Array:
        return self._network.apply({"params": parameters}, lr, scale, area, method="encode")[0]

    def _decode(self, parameters: Parameters, features: Array, grid: Grid, area: Area, inside: Area) -> Array:
        if jax.default_backend() == "cpu" and not self.model.config.scale:
            return decode_in_strips(self._network, parameters, features, grid, area, inside)
        return self._network.apply({"params": parameters}, features, grid, area, inside, method="decode")

    def _decode_rounded(self, *arguments: Any) -> Array:
        return jnp.clip(jnp.floor(self._decode(*arguments) + 0.5), 0, 255).astype(jnp.uint8)


def load_model(path_or_name: str | Path, tile: int | None = None, memory: int = DEFAULT_MEMORY) -> Upscaler:
    """A model file, or a shipped model by its name, ready to `upscale`; `tile` and `memory` as in `Upscaler`.

    Raises:
      ArbsrError: no such model, the file is damaged, or the tile too small.
    """
    return Upscaler(checkpoint.load_model(path_or_name), tile, memory)


def _check_image(image: np.ndarray) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        given = f"{image.dtype}{list(image.shape)}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ArbsrError(f"the image is {given}; a uint8 array [height, width, 3] in RGB is needed")
    if 0 in image.shape:
        raise ArbsrError(f"the image is empty: {list(image.shape)}")


def target(
    lr_size: tuple[int, int], scale: ScaleLike | None, size: tuple[int, int] | None
) -> tuple[Scale, tuple[int, int]]:
    """Exact scale and HR (height, width) from whichever of scale and size (width, height) was given.

    Raises:
      ArbsrError: both or none was given, or a factor is not from 1 to 8.
    """
    if (scale is None) == (size is None):
        raise ArbsrError("give either scale=(horizontal, vertical) or size=(width, height)")
    if scale is not None:
        scale = Scale.of(scale)
        return scale, scale.output_size(*lr_size)
    height, width = size[1], size[0]
    exact = Scale(Fraction(height, lr_size[0]), Fraction(width, lr_size[1]))
    if not all(SMALLEST_SCALE <= factor <= LARGEST_SCALE for factor in (exact.vertical, exact.horizontal)):
        raise ArbsrError(
            f"size {width}x{height} of a {lr_size[1]}x{lr_size[0]} image is {exact.in_words}; "
            f"both must be from {SMALLEST_SCALE} to {LARGEST_SCALE}"
        )
    return exact, (height, width)
