"""The methods that are scored: a network, bicubic interpolation, or pictures that somebody made."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from arbsr_jax.errors import ArbsrError
from arbsr_jax.evaluation.protocols import BICUBIC, PROTOCOLS, Pair
from arbsr_jax.imaging.image_files import read_rgb
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale, Size
from arbsr_jax.inference.loading import AutoRestoring
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.models.config import FLOAT32


class Task(NamedTuple):
    """One image at one scale."""

    dataset: str
    image: str
    scale: Scale
    pair: Pair


@runtime_checkable
class Method(Protocol):
    """A way to make SR images; `identity` changes whenever its results would."""

    name: str
    identity: str

    def __call__(self, task: Task) -> tuple[UInt8[np.ndarray, "height width 3"], float]:
        """The SR image, of HR's size at least, and the seconds that it took (compilation excluded)."""
        ...


class Network:
    """A model, alone or as the average of eight views of each image; called for HR's size or for the scale."""

    def __init__(self, upscaler: Upscaler, *, by_size: bool, ensemble: bool = False) -> None:
        self._upscaler, self._ensemble, self._by_size = upscaler, ensemble, by_size
        self.name = upscaler.model.name
        rough = "" if upscaler.precision == FLOAT32 else f", {upscaler.precision}"
        self.identity = f"{upscaler.model.digest}, tile {upscaler.tile}, ensemble {ensemble}{rough}"

    def __call__(self, task: Task) -> tuple[UInt8[np.ndarray, "height width 3"], float]:  # noqa: D102 (see Method)
        height, width = task.pair.hr.shape[:2]
        target: dict[str, Any] = {"size": (width, height)} if self._by_size else {"scale": task.scale}
        upscale = self._upscaler.upscale
        return self._upscaler.network.timed(lambda: upscale(task.pair.lr, **target, ensemble=self._ensemble))


class AutoNetwork:
    """A dial that each image turns."""

    def __init__(self, restoring: AutoRestoring, *, by_size: bool, ensemble: bool = False) -> None:
        at = functools.partial(Network, by_size=by_size, ensemble=ensemble)
        self._restoring, self._at = restoring, functools.cache(lambda strength: at(restoring.at(strength)))
        self.name = restoring.name
        self.identity = " to ".join(self._at(end).identity for end in (0.0, 1.0))

    def __call__(self, task: Task) -> tuple[UInt8[np.ndarray, "height width 3"], float]:  # noqa: D102 (see Method)
        return self._at(self._restoring.strength_of(task.pair.lr))(task)


class ResizedMethod:
    """A scale-specific network at its own scale, then `imresize` to HR's size: what a fixed upscaler offers for others.

    It is the plain rival of every network for all scales; Real-ESRGAN's `--outscale` does the same.
    """

    def __init__(self, enlarge: Callable[[np.ndarray], tuple[np.ndarray, float]], name: str, identity: str) -> None:
        """Nothing is computed yet.

        Args:
          enlarge: an LR image to (its picture, seconds).
          name: of the network.
          identity: of it.
        """
        self._enlarge, self.name = enlarge, f"{name}, resized after"
        self.identity = f"{identity}, resized after"

    def __call__(self, task: Task) -> tuple[UInt8[np.ndarray, "height width 3"], float]:  # noqa: D102 (see Method)
        sr, seconds = self._enlarge(task.pair.lr)
        begin, (height, width) = time.perf_counter(), task.pair.hr.shape[:2]
        return imresize(sr, height=height, width=width), seconds + time.perf_counter() - begin


class Bicubic:
    """Bicubic interpolation, the first row of every table."""

    name = identity = BICUBIC

    def __init__(self, protocol: str) -> None:
        self._enlarge = PROTOCOLS[protocol].enlarge

    def __call__(self, task: Task) -> tuple[UInt8[np.ndarray, "height width 3"], float]:  # noqa: D102 (see Method)
        before = time.perf_counter()
        return self._enlarge(task.pair, task.scale), time.perf_counter() - before


class Pictures:
    """Pictures in a folder: NAME.png, or as `evaluate.py --out` writes them, DATASET/SCALE/NAME.png."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ArbsrError(f"{folder}: no such folder; give a folder of super-resolved images")
        self._folder = folder
        self.name, self.identity = folder.name, ""

    def __call__(self, task: Task) -> tuple[UInt8[np.ndarray, "height width 3"], float]:  # noqa: D102 (see Method)
        places = [self._folder / task.dataset / str(task.scale), self._folder / str(task.scale), self._folder]
        path = next((p for p in (place / f"{task.image}.png" for place in places) if p.is_file()), None)
        if path is None:
            raise ArbsrError(f"no {task.image}.png in {', '.join(map(str, places))}")
        sr, hr = read_rgb(path), task.pair.hr
        if sr.shape != hr.shape:
            sizes = Size(*sr.shape[:2]), Size(*hr.shape[:2])
            raise ArbsrError(f"{path} has {sizes[0]} pixels, HR {sizes[1]} at scale {task.scale} under this protocol")
        return sr, 0.0
