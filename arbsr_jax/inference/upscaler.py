"""From an image to a larger image."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, TypeVar, overload

import jax
import numpy as np
from jaxtyping import Float32, Shaped

from arbsr_jax import model_file
from arbsr_jax.compilation import own_settings, platform
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import Scale, Size
from arbsr_jax.inference.arguments import GREY_LEVEL, ScaleLike, SizeLike, check_pixels, resolve_target, to_pixels
from arbsr_jax.inference.channels import Progress, upscale_any_channels
from arbsr_jax.inference.compiled import CompiledNetwork
from arbsr_jax.inference.dispatch import Dispatcher, NotFiniteError
from arbsr_jax.inference.ensemble import mean_of_views
from arbsr_jax.inference.limits import Limits, check_settings, default_memory
from arbsr_jax.inference.pictures import to_array
from arbsr_jax.inference.plan import Plan
from arbsr_jax.inference.pretrained import Pretrained
from arbsr_jax.inference.shapes import ProgramShapes
from arbsr_jax.inference.tiling import TilesWithin, tiling_of
from arbsr_jax.models.config import FLOAT32
from arbsr_jax.models.parameters import DTYPES

OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"
MOST_FRAMES = 16  # of a film at once
AnyImage = TypeVar("AnyImage")


class Upscaler(Pretrained):
    """A network ready for use. Programs are compiled per array shape, never per scale, and kept.

    Images are cut as `tiling` says, so that few programs and a bounded amount of memory serve all sizes. Without
    `share_programs` no result depends on an earlier one.

    Attributes:
      model: the contents of the model file.
      tile, precision: as of the constructor; the precision is known then.
      network: its programs, the seconds that compiling them took, and what all images so far cost.
    """

    def __init__(
        self,
        model: model_file.Model,
        tile: int | None = None,
        memory: int | None = None,
        precision: str | None = None,
        share_programs: bool = True,
    ) -> None:
        """Set up; nothing is compiled yet.

        Args:
          model: the contents of the model file.
          tile: side of the LR tiles in pixels; 0: each image as a whole; None: what suits image and memory.
          memory: bytes for computing, parameters and results excluded; None: 1 GiB on CPUs, half of an accelerator's.
          precision: of the backbone, "float32" or "bfloat16"; None: bfloat16 on accelerators, which costs at most
            0.01 dB. An image whose values do not stay finite is computed again in float32.
          share_programs: whether images of other sizes and scales take the shapes of those before them: programs stay
            few, and results may differ by rounding with these. Otherwise no result depends on an earlier one.

        Raises:
          ArbsrError: the tile is too small, or the precision unknown.
        """
        check_settings(tile, memory, precision)
        self.model, self.tile, self._memory, self._shares = model, tile, memory, share_programs
        with own_settings():
            self._limits = Limits(memory or default_memory(), accelerator=platform() != "cpu")
            self._tiling = tiling_of(tile, self._limits, ProgramShapes() if share_programs else None)
            self.precision = precision or ("bfloat16" if self._limits.accelerator else FLOAT32)
            self.network = CompiledNetwork(model.config, model.parameters, DTYPES[self.precision])
        self._dispatcher = Dispatcher(self.network)

    def __repr__(self) -> str:
        tile = f"tile {'by memory' if self.tile is None else self.tile}"
        return f"Upscaler({self.model.name}: {self.model.config.backbone}, {tile}, {self.precision})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.model, self.tile, self._memory, self.precision, self._shares)

    def explain(self, lr: tuple[int, int], scale: ScaleLike | None = None, size: SizeLike | None = None) -> str:
        """How an image of (height, width) would be cut, in a line; scale or size as of `upscale`.

        Raises:
          ArbsrError: the scale or size is not allowed.
        """
        exact, hr = self.target(lr, scale, size)
        same = hr == tuple(lr) and not self.model.cleans
        return f"{lr[1]}x{lr[0]} stays as it is" if same else str(self._plan(lr, hr, exact))

    def batch_size(
        self, lr: tuple[int, int], scale: ScaleLike | None = None, size: SizeLike | None = None, most: int = MOST_FRAMES
    ) -> int:
        """How many of many images of (height, width) are best handed to `upscale` at once: one for each CPU device."""
        (exact, hr), lanes = self.target(lr, scale, size), self.network.lanes
        return lanes * self._plan(lr, hr, exact, -(-most // lanes)).batch

    def replace_model(self, model: model_file.Model) -> None:
        """Use another model of the same config; compiled programs stay."""
        assert model.config == self.model.config
        self.model = model
        self.network.replace(model.parameters)
        self.__dict__.pop("_in_float32", None)

    @overload
    def upscale(self, image: str | Path, *target: Any, **settings: Any) -> np.ndarray: ...

    @overload
    def upscale(self, image: AnyImage, *target: Any, **settings: Any) -> AnyImage: ...

    def upscale(
        self,
        image: Any,
        scale: ScaleLike | None = None,
        size: SizeLike | None = None,
        progress: Progress | None = None,
        *,
        ensemble: bool = False,
    ) -> Any:
        """Super-resolve one picture, or each of several of one size. At scale 1 most models leave it as it is.

        Args:
          image: a path; a PIL image; or an array of numpy, JAX or PyTorch, see `inference.pictures.to_array`.
          scale: one factor, or (horizontal, vertical), or '2.5x3.5'; each from 1 to 8. The result has
            `height * vertical` x `width * horizontal` pixels, each rounded half up.
          size: instead of a scale, the result's (width, height) in pixels, or "1920x1080", "1920x", "x1080".
          progress: called with the share of the image that is done.
          ensemble: whether to average over eight flips and transposes ("EDSR+", Lim et al. 2017).

        Returns:
          A picture of the same kind, mode and type; of a path an array.

        Raises:
          ArbsrError: the image is none of that, or the scale or size is not allowed, or not of the network.
        """
        pixels, back = to_array(image)

        def enlarge(rgb: np.ndarray, progress: Progress) -> np.ndarray:
            stack = rgb if rgb.ndim == 4 else rgb[None]
            if ensemble:
                many = [self.upscale_unrounded(one, scale, size, progress, ensemble=True) for one in stack]
                large = to_pixels(np.stack(many), rgb.dtype)
            else:
                check_pixels(stack[0])
                target, eight_bits = self.target(stack.shape[1:3], scale, size), rgb.dtype == np.uint8
                large = self._computed(stack, *target, progress, rounded=eight_bits)
                large = large if eight_bits else to_pixels(large, rgb.dtype)
            return large if rgb.ndim == 4 else large[0]

        share = progress or (lambda done: None)
        if pixels.ndim == 3 or pixels.shape[-1] in (1, 3):
            return back(upscale_any_channels(pixels, enlarge, share))
        each = []
        for number, one in enumerate(pixels):
            each.append(upscale_any_channels(one, enlarge, lambda done, n=number: share((n + done) / len(pixels))))
        return back(np.stack(each))

    __call__ = upscale

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
        check_pixels(image)
        target = self.target(image.shape[:2], scale, size)
        if ensemble:
            return mean_of_views(self.upscale_unrounded, image, target[1], progress)
        return self._computed(image[None], *target, progress, rounded=False)[0]

    @functools.cached_property
    def _in_float32(self) -> Upscaler:
        return Upscaler(self.model, self.tile, self._memory, FLOAT32, self._shares)

    def _plan(self, lr: tuple[int, int], hr: tuple[int, int], scale: Scale, images: int = 1) -> Plan:
        return self._tiling.plan(lr, hr, scale, self.model.config, images)

    def target(self, lr: tuple[int, int], scale: ScaleLike | None, size: SizeLike | None) -> tuple[Scale, Size]:
        """Exact scale and HR size for an image of (height, width); arguments and errors as of `upscale`."""
        (exact, hr), only = resolve_target(lr, scale, size), self.model.config.scale
        if only and exact != Scale.of(only):
            raise ArbsrError(f"{self.model.name} is a network for scale {only} alone, not {exact}")
        return exact, hr

    def _computed(
        self, images: np.ndarray, scale: Scale, hr: Size, progress: Progress | None, *, rounded: bool
    ) -> np.ndarray:
        """Results of images [n, height, width, 3], in 0..255: uint8, or not clipped."""
        dtype = np.uint8 if rounded else np.float32
        if hr == images.shape[1:3] and not self.model.cleans:  # most networks never saw scale 1
            return (images * np.float32(1 / GREY_LEVEL[images.dtype])).astype(dtype)
        tiling = self._tiling
        while True:
            plan = tiling.plan(images.shape[1:3], hr, scale, self.model.config, len(images))
            try:
                return self._carried_out(plan, images, np.empty((len(images), *hr, 3), dtype), progress)
            except jax.errors.JaxRuntimeError as error:
                if OUT_OF_MEMORY not in str(error):
                    raise
                # For this call alone: the memory may be free by the next one.
                tiling = (tiling if isinstance(tiling, TilesWithin) else TilesWithin(self._limits)).smaller(plan)
            except NotFiniteError:
                return self._in_float32._computed(images, scale, hr, progress, rounded=rounded)

    def _carried_out(self, plan: Plan, images: np.ndarray, result: np.ndarray, progress: Progress | None) -> np.ndarray:
        """The result, filled part by part."""
        written = 0
        for place, pixels in self._dispatcher.run(images, plan, rounded=result.dtype == np.uint8):
            result[place] = pixels
            written += pixels.size
            if progress:
                progress(written / result.size)
        if written != result.size:
            raise RuntimeError(f"{written} of {result.size} values were computed")
        return result
