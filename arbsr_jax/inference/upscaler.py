"""From an image to a larger image."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
from jaxtyping import Array, Float32, Shaped

from arbsr_jax import model_file
from arbsr_jax.compilation import own_settings
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.grid import factors, window_grid
from arbsr_jax.imaging.scale import Scale, Size
from arbsr_jax.inference.arguments import DEPTHS, ScaleLike, SizeLike, check_pixels, resolve_target, to_pixels
from arbsr_jax.inference.channels import Progress, enlarge_channels
from arbsr_jax.inference.compiled import CompiledNetwork
from arbsr_jax.inference.ensemble import mean_of_views
from arbsr_jax.inference.pictures import as_pixels
from arbsr_jax.inference.plan import DEFAULT_MEMORY, Plan, TilesWithin, tiling_of
from arbsr_jax.models.extent import WHOLE, Extent
from arbsr_jax.models.parameters import DTYPES, Parameters, flatten_parameters

OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"
Decode = Callable[..., Array]
Result = TypeVar("Result")


class Upscaler:
    """A network ready for use. Programs are compiled per array shape, never per scale, and kept.

    Images are computed in tiles of a few fixed shapes (see `plan`), so that a folder of images of any sizes needs a
    handful of programs, and an image of any size a bounded amount of memory.

    Attributes:
      model: the contents of the model file.
      tile: side of the LR tiles in pixels; 0: whole images; None: what suits image and memory.
    """

    def __init__(
        self,
        model: model_file.Model,
        tile: int | None = None,
        memory: int = DEFAULT_MEMORY,
        precision: str = "float32",
    ) -> None:
        """Set up; nothing is compiled yet.

        Args:
          model: the contents of the model file.
          tile: side of the LR tiles in pixels; 0: each image as a whole; None: what suits image and memory.
          memory: bytes that computing one tile may take; lowered by itself if a device has less.
          precision: of the backbone, "float32" or "bfloat16" (for accelerators; an image whose values do not stay
            finite is computed again in float32).

        Raises:
          ArbsrError: the tile is too small, or the precision unknown.
        """
        if precision not in DTYPES:
            raise ArbsrError(f"precision {precision!r} is unknown; allowed: {', '.join(DTYPES)}")
        self.model, self.tile = model, tile
        self._memory, self._precision, self._tiling = memory, precision, tiling_of(tile, memory)
        with own_settings():
            self._network = CompiledNetwork(model.config, model.parameters, DTYPES[precision])

    def __repr__(self) -> str:
        tile = "by memory" if self.tile is None else self.tile
        return f"Upscaler({self.model.name}: {self.model.config.backbone}, tile {tile}, {self._precision})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Upscaler, (self.model, self.tile, self._memory, self._precision)

    @property
    def digest(self) -> str:
        """A hash of config and parameters: it tells one network from another."""
        digest = hashlib.blake2b(repr(self.model.config).encode(), digest_size=16)
        for path, leaf in sorted(flatten_parameters(self.model.parameters).items()):
            digest.update(path.encode() + np.ascontiguousarray(leaf).tobytes())
        return digest.hexdigest()

    @property
    def compiled(self) -> list[jax.stages.Compiled]:
        """The programs compiled so far."""
        return self._network.programs

    @property
    def programs(self) -> int:
        """Their number."""
        return len(self._network.programs)

    @property
    def compile_seconds(self) -> float:
        """Time spent on compiling so far."""
        return self._network.seconds

    def replace_parameters(self, parameters: Parameters) -> None:
        """Use other parameters of the same network; compiled programs stay."""
        self._network.replace(parameters)

    def timed(self, compute: Callable[[], Result]) -> tuple[Result, float]:
        """The result of `compute`, and the seconds that it took, without those in which this upscaler compiled."""
        begin, compiling = time.perf_counter(), self.compile_seconds
        result = compute()
        return result, time.perf_counter() - begin - (self.compile_seconds - compiling)

    def upscale(
        self,
        image: Any,
        scale: ScaleLike | None = None,
        size: SizeLike | None = None,
        progress: Progress | None = None,
        *,
        ensemble: bool = False,
    ) -> Any:
        """Super-resolve one picture, or each of several of one size. At scale 1 a picture is itself.

        Args:
          image: a path; a PIL image; or an array of numpy, JAX or PyTorch, as `inference.pictures.as_pixels` says:
            gray or RGB, with or without alpha, of 8 or 16 bits, or floats from 0 to 1.
          scale: one factor, or (horizontal, vertical), or '2.5x3.5'; each from 1 to 8. The result has
            `height * vertical` x `width * horizontal` pixels, each rounded half up.
          size: instead of a scale, the result's (width, height) in pixels.
          progress: called with the share of the image that is done.
          ensemble: whether to average over eight flips and transposes ("EDSR+", Lim et al. 2017).

        Returns:
          A picture of the same kind, mode and type; of a path an array.

        Raises:
          ArbsrError: the image is none of that, the scale or size is not allowed, or the network is
            scale-specific and made for another scale.
        """
        pixels, back = as_pixels(image)

        def enlarge(rgb: np.ndarray, progress: Progress) -> np.ndarray:
            if rgb.dtype == np.uint8 and self._precision == "float32" and not ensemble:
                target = self._target(rgb, scale, size)
                return self._computed(rgb, *target, self._network.decode_rounded, np.uint8, progress)
            return to_pixels(self.upscale_unrounded(rgb, scale, size, progress, ensemble=ensemble), rgb.dtype)

        share = progress or (lambda done: None)
        if pixels.ndim == 3:
            return back(enlarge_channels(pixels, enlarge, share))
        total = len(pixels)
        each = (
            enlarge_channels(one, enlarge, lambda done, n=number: share((n + done) / total))
            for number, one in enumerate(pixels)
        )
        return back(np.stack(list(each)))

    def upscale_unrounded(
        self,
        image: Shaped[np.ndarray, "height width 3"],
        scale: ScaleLike | None = None,
        size: SizeLike | None = None,
        progress: Progress | None = None,
        *,
        ensemble: bool = False,
    ) -> Float32[np.ndarray, "new_height new_width 3"]:
        """`upscale` of one array before rounding and clipping, in 0..255 whatever the type of its pixels."""
        target = self._target(image, scale, size)
        if ensemble:
            return mean_of_views(self.upscale_unrounded, image, target[1], progress)
        result = self._computed(image, *target, self._network.decode, np.float32, progress)
        if self._precision != "float32" and not np.isfinite(result).all():
            return self._in_float32.upscale_unrounded(image, scale, size, progress)
        return result

    @functools.cached_property
    def _in_float32(self) -> Upscaler:
        return Upscaler(self.model, self.tile, self._memory)

    def _target(self, image: Any, scale: ScaleLike | None, size: SizeLike | None) -> tuple[Scale, Size]:
        check_pixels(image)
        exact, hr = resolve_target(image.shape[:2], scale, size)
        only = self.model.config.scale
        if only and exact != Scale.of(only):
            raise ArbsrError(f"{self.model.name} is a network for scale {only} alone, not {exact}")
        return exact, hr

    def _computed(
        self, image: np.ndarray, scale: Scale, hr: Size, decode: Decode, dtype: type, progress: Progress | None
    ) -> np.ndarray:
        if hr == image.shape[:2]:  # no network saw scale 1: it would only change the picture
            return (image * np.float32(1 / DEPTHS[image.dtype])).astype(dtype)
        plan = self._tiling.plan(image.shape[:2], hr, scale, self.model.config)
        result, written = np.empty((*hr, 3), dtype), 0
        try:
            for place, pixels in self._windows(image, plan, decode):
                result[place] = pixels
                written += pixels.size
                if progress:
                    progress(written / result.size)
        except jax.errors.JaxRuntimeError as error:
            if OUT_OF_MEMORY not in str(error):
                raise
            if isinstance(self._tiling, TilesWithin):
                self._tiling = self._tiling.smaller(plan.tile[0], self.model.config)
            else:
                self._tiling = TilesWithin(self._memory)
            return self._computed(image, scale, hr, decode, dtype, progress)
        if written != result.size:
            raise RuntimeError(f"{written} of {result.size} values were computed")
        return result

    def _windows(
        self, image: np.ndarray, plan: Plan, decode: Decode
    ) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
        """Parts of the result that cover it without overlapping: (rows, columns), and pixels."""
        scale = factors(plan.scale)
        for (rows, columns), windows in plan.tiles():
            lr = np.zeros((1, *plan.tile, 3), np.float32)
            seen = image[rows.origin : rows.origin + rows.valid, columns.origin : columns.origin + columns.valid]
            lr[0, : rows.valid, : columns.valid] = seen * np.float32(1 / DEPTHS[image.dtype])
            extent = WHOLE if plan.exact else Extent(np.array([rows.valid, columns.valid], np.int32))
            features = self._network.encode(lr, scale, extent)
            for window in windows:
                start = window[0].start, window[1].start
                size = min(plan.canvas[0], plan.hr[0] - start[0]), min(plan.canvas[1], plan.hr[1] - start[1])
                grid = window_grid(plan.scale, start, size, (rows.origin, columns.origin), plan.canvas)
                table = self._network.phase_table(grid) if plan.shares_tables else None
                pixels = jax.device_get(decode(features, extent, grid.filled if plan.exact else grid, table))
                core = tuple(slice(axis.first - axis.start, axis.stop - axis.start) for axis in window)
                place = slice(window[0].first, window[0].stop), slice(window[1].first, window[1].stop)
                yield place, pixels[core]


def load_model(path_or_name: str | Path, **settings: Any) -> Upscaler:
    """A model file, or a shipped model by its name, ready to `upscale`; settings as of `Upscaler`.

    Raises:
      ArbsrError: no such model, the file is damaged, or a setting not allowed.
    """
    return Upscaler(model_file.load_model(path_or_name), **settings)
