"""From a uint8 image to a larger uint8 image."""

from __future__ import annotations

import time
from fractions import Fraction
from numbers import Real
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from arbsr_jax import checkpoint, parallel
from arbsr_jax.errors import ArbsrError
from arbsr_jax.models.network import Parameters, SRNetwork
from arbsr_jax.ops.geometry import LARGEST_SCALE, SMALLEST_SCALE, Grid, Scale, make_grid

ScaleLike = Scale | str | Real | tuple[Real, Real]


class Upscaler:
    """A network ready for use. Programs are compiled per array shape, never per scale, and kept.

    Attributes:
      model: what the model file holds.
      programs: number of programs compiled so far.
      compile_seconds: time spent on that.
    """

    def __init__(self, model: checkpoint.Model) -> None:
        self.model = model
        self.compile_seconds = 0.0
        self._network = SRNetwork(model.config)
        self._parameters = jax.device_put(model.parameters)
        self._compiled: dict[tuple, jax.stages.Compiled] = {}

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
        _check_image(image)
        scale, hr_size = _target(image.shape[:2], scale, size)
        only = self.model.config.scale
        if only and scale != Scale.of(only):
            raise ArbsrError(f"{self.model.name} is a network for scale {only} alone, not {scale}")
        lr = image[None].astype(np.float32)
        grid = make_grid(scale, hr_size)
        return np.asarray(self._program(lr, grid)(self._parameters, lr, grid)[0])

    def _program(self, lr: np.ndarray, grid: Grid) -> jax.stages.Compiled:
        key = tuple(leaf.shape for leaf in jax.tree.leaves((lr, grid)))
        if key not in self._compiled:
            begin = time.perf_counter()
            lowered = jax.jit(self._forward).lower(self._parameters, lr, grid)
            self._compiled[key] = lowered.compile(compiler_options=parallel.compiler_options())
            self.compile_seconds += time.perf_counter() - begin
        return self._compiled[key]

    def _forward(
        self, parameters: Parameters, lr: Float[Array, "batch height width 3"], grid: Grid
    ) -> UInt8[Array, "batch rows columns 3"]:
        sr, _ = self._network.apply({"params": parameters}, lr, grid)
        return jnp.clip(jnp.floor(sr + 0.5), 0, 255).astype(jnp.uint8)


def load_model(path_or_name: str | Path) -> Upscaler:
    """A model file, or a shipped model by its name, ready to `upscale`.

    Raises:
      ArbsrError: no such model, or the file is damaged.
    """
    return Upscaler(checkpoint.load_model(path_or_name))


def _check_image(image: np.ndarray) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        given = f"{image.dtype}{list(image.shape)}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ArbsrError(f"the image is {given}; a uint8 array [height, width, 3] in RGB is needed")
    if 0 in image.shape:
        raise ArbsrError(f"the image is empty: {list(image.shape)}")


def _target(
    lr_size: tuple[int, int], scale: ScaleLike | None, size: tuple[int, int] | None
) -> tuple[Scale, tuple[int, int]]:
    """Exact scale and HR (height, width) from whichever of the two was given."""
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
