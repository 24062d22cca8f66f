"""From an image to a larger image."""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float32, Shaped
from PIL import Image

from arbsr_jax import checkpoint
from arbsr_jax.errors import ArbsrError
from arbsr_jax.inference import tiling
from arbsr_jax.inference.programs import Programs
from arbsr_jax.inference.target import DEPTHS, ScaleLike, check_image, rounded, target
from arbsr_jax.inference.tiling import Piece, Span, needed_bytes, pieces, spans, tile_side
from arbsr_jax.models.area import WHOLE, Area
from arbsr_jax.models.network import DTYPES, Parameters
from arbsr_jax.ops.geometry import Scale, grid_of_piece

OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"
Progress = Callable[[float], None]


class Upscaler:
    """A network ready for use. Programs are compiled per array shape, never per scale, and kept.

    Images are computed in tiles of a few fixed shapes (see `tiling`), so that a folder of images of any sizes needs a
    handful of programs, and an image of any size a bounded amount of memory.

    Attributes:
      model: what the model file holds.
      programs: number of programs compiled so far.
      compile_seconds: time spent on that.
    """

    def __init__(
        self,
        model: checkpoint.Model,
        tile: int | None = None,
        memory: int = tiling.DEFAULT_MEMORY,
        precision: str = "float32",
    ) -> None:
        """Set up; nothing is compiled yet.

        Args:
          model: what the model file holds.
          tile: side of the LR tiles in pixels; 0: each image as a whole; None: what suits image and memory.
          memory: bytes that computing one tile may take; lowered by itself where a device has less.
          precision: what the backbone computes in, "float32" or "bfloat16" (for accelerators; an image whose
            values do not stay finite is computed again in float32).

        Raises:
          ArbsrError: the tile is too small, or the precision unknown.
        """
        if precision not in DTYPES:
            raise ArbsrError(f"precision {precision!r} is unknown; allowed: {', '.join(DTYPES)}")
        if tile and (tile <= 2 * tiling.OVERLAP or tile % 2):
            raise ArbsrError(
                f"tiles of {tile} pixels do not work; give an even number above {2 * tiling.OVERLAP}, or 0"
            )
        self.model, self._tile, self._memory = model, tile, memory
        self._precision = precision
        self._programs = Programs(model.config, model.parameters, DTYPES[precision])

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
        return self._programs.compiled

    @property
    def programs(self) -> int:  # noqa: D102 (described above)
        return len(self._programs.compiled)

    @property
    def compile_seconds(self) -> float:  # noqa: D102 (described above)
        return self._programs.seconds

    def replace_parameters(self, parameters: Parameters) -> None:
        """Use other parameters of the same network; compiled programs stay."""
        self._programs.replace(parameters)

    def upscale(
        self,
        image: Shaped[np.ndarray, "height width 3"],
        scale: ScaleLike | None = None,
        size: tuple[int, int] | None = None,
        progress: Progress | None = None,
    ) -> Shaped[np.ndarray, "new_height new_width 3"]:
        """Super-resolve one RGB image, or each of several.

        Args:
          image: uint8 or uint16, [height, width, 3] or [images, height, width, 3]; or a PIL image, taken as RGB.
          scale: one factor, or (horizontal, vertical), or '2.5x3.5'; each from 1 to 8. The result has
            `height * vertical` x `width * horizontal` pixels, each rounded half up.
          size: instead of a scale, the result's (width, height) in pixels.
          progress: called with the share of the image that is done.

        Returns:
          An image of the same kind and type.

        Raises:
          ArbsrError: the image is none of that, the scale or size is not allowed, or the network is
            scale-specific and made for another scale.
        """
        if isinstance(image, Image.Image):
            return Image.fromarray(self.upscale(np.asarray(image.convert("RGB")), scale, size, progress))
        if isinstance(image, np.ndarray) and image.ndim == 4:
            return np.stack([self.upscale(one, scale, size, progress) for one in image])
        asked = self._checked(image, scale, size)
        if image.dtype == np.uint8 and self._precision == "float32":
            return self._whole(image, *asked, self._programs.decode_rounded, np.uint8, progress)
        return rounded(self.upscale_unrounded(image, scale, size, progress), image.dtype)

    def upscale_unrounded(
        self,
        image: Shaped[np.ndarray, "height width 3"],
        scale: ScaleLike | None = None,
        size: tuple[int, int] | None = None,
        progress: Progress | None = None,
    ) -> Float32[np.ndarray, "new_height new_width 3"]:
        """`upscale` of one array before rounding and clipping, in 0..255 whatever the type of its pixels."""
        result = self._whole(image, *self._checked(image, scale, size), self._programs.decode, np.float32, progress)
        if self._precision != "float32" and not np.isfinite(result).all():
            return self._exact.upscale_unrounded(image, scale, size, progress)
        return result

    @functools.cached_property
    def _exact(self) -> Upscaler:
        return Upscaler(self.model, self._tile, self._memory)

    def _checked(
        self, image: np.ndarray, scale: ScaleLike | None, size: tuple[int, int] | None
    ) -> tuple[Scale, tuple[int, int]]:
        check_image(image)
        scale, hr_size = target(image.shape[:2], scale, size)
        only = self.model.config.scale
        if only and scale != Scale.of(only):
            raise ArbsrError(f"{self.model.name} is a network for scale {only} alone, not {scale}")
        return scale, hr_size

    def _whole(
        self,
        image: np.ndarray,
        scale: Scale,
        hr_size: tuple[int, int],
        decode: Callable[..., Array],
        dtype: type,
        progress: Progress | None,
    ) -> np.ndarray:
        result, written = np.empty((*hr_size, 3), dtype), 0
        try:
            for rows, columns, piece in self._pieces(image, scale, hr_size, decode):
                result[rows, columns] = piece
                written += piece.size
                if progress:
                    progress(written / result.size)
        except jax.errors.JaxRuntimeError as error:
            if OUT_OF_MEMORY not in str(error):
                raise
            self._allow_less(error)
            return self._whole(image, scale, hr_size, decode, dtype, progress)
        if written != result.size:
            raise RuntimeError(f"{written} of {result.size} values were computed")
        return result

    def _allow_less(self, error: Exception) -> None:
        """Smaller tiles from now on.

        Raises:
          ArbsrError: they are as small as can be.
        """
        if self._tile is None:
            self._memory = needed_bytes(self._side, self.model.config) - 1
        self._tile = None
        if self._memory < needed_bytes(tiling.SIDES[0], self.model.config):
            words = "not even the smallest tiles fit into the device's memory; close other programs or use another"
            raise ArbsrError(words) from error

    def _pieces(
        self, image: np.ndarray, scale: Scale, hr_size: tuple[int, int], decode: Callable[..., Array]
    ) -> Iterator[tuple[slice, slice, np.ndarray]]:
        """Rows, columns and pixels of parts of the result that cover it without overlapping."""
        lr_size = image.shape[:2]
        if self._tile == 0:
            tile, canvas = lr_size, hr_size
        else:
            side = self._tile or tile_side(*lr_size, self.model.config, self._memory)
            tile, self._side = (side, side), side
            # Pixel shuffle enlarges a tile as a whole, from its first pixel on.
            canvas = (side * self.model.config.scale,) * 2 if self.model.config.scale else (tiling.PIECE, tiling.PIECE)
        factors = scale.vertical, scale.horizontal
        rows, columns = (spans(length, side) for length, side in zip(lr_size, tile, strict=True))
        # Where an axis has more phases than fit on a canvas, each of its pieces sees others of them.
        axes = zip(factors, hr_size, (rows, columns), canvas, strict=True)
        shared = all(f.numerator <= c or (n <= c and len(tiles) == 1) for f, n, tiles, c in axes)
        for tile_spans in itertools.product(rows, columns):
            origin, valid = [s.origin for s in tile_spans], [s.valid for s in tile_spans]
            lr = np.zeros((1, *tile, 3), np.float32)
            seen = tuple(slice(s.origin, s.origin + s.valid) for s in tile_spans)
            lr[0, : valid[0], : valid[1]] = image[seen] * np.float32(1 / DEPTHS[image.dtype])
            area = WHOLE if self._tile == 0 else Area(np.array(valid, np.int32))
            features = self._programs.encode(lr, np.array(factors, np.float32), area)
            axes = zip(tile_spans, factors, lr_size, hr_size, canvas, strict=True)
            for parts in itertools.product(*(self._parts(*axis) for axis in axes)):
                start = [part.start for part in parts]
                size = tuple(min(c, n - s) for c, n, s in zip(canvas, hr_size, start, strict=True))
                grid = grid_of_piece(scale, start, size, origin, canvas)
                inside = WHOLE if self._tile == 0 else Area(grid.size)
                table = self._programs.phase_table(grid) if shared else None
                sr = np.asarray(decode(features, grid, area, inside, table))
                kept = [slice(part.first - part.start, part.stop - part.start) for part in parts]
                yield *(slice(part.first, part.stop) for part in parts), sr[kept[0], kept[1]]

    def _parts(self, span: Span, factor: Fraction, lr_length: int, hr_length: int, side: int) -> list[Piece]:
        if not self.model.config.scale:
            return pieces(span, factor, lr_length, hr_length, side)
        scale = self.model.config.scale
        return [Piece(span.origin * scale, span.first * scale, span.stop * scale)]


def load_model(path_or_name: str | Path, **settings: Any) -> Upscaler:
    """A model file, or a shipped model by its name, ready to `upscale`; settings as of `Upscaler`.

    Raises:
      ArbsrError: no such model, the file is damaged, or a setting not allowed.
    """
    return Upscaler(checkpoint.load_model(path_or_name), **settings)
