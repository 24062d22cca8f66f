"""Scores of a method over datasets and scales, with bicubic interpolation beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from arbsr_jax.errors import ArbsrError
from arbsr_jax.evaluation.datasets import Dataset, HRImage, find_lr
from arbsr_jax.evaluation.methods import Method, Task
from arbsr_jax.evaluation.protocols import PROTOCOLS, Pair, given_lr, quality
from arbsr_jax.evaluation.scores import ScoreCache, Scores, image_key
from arbsr_jax.imaging.metrics import crop_border
from arbsr_jax.imaging.scale import Scale


@dataclass(frozen=True)
class Sweep:
    """The images and scales to score, and how.

    Attributes:
      datasets: HR images.
      scales: factors to try.
      protocol: a name in `PROTOCOLS`.
      lr: folder of LR files to use instead of making them, or None.
      share: (process, processes): every so many-th image is this process's.
      lpips: a perceptual distance to score by as well, or None.
    """

    datasets: list[Dataset]
    scales: list[Scale]
    protocol: str
    lr: Path | None = None
    share: tuple[int, int] = (0, 1)
    lpips: Callable[[np.ndarray, np.ndarray], float] | None = None

    def __len__(self) -> int:
        return len(self.scales) * sum(len(dataset.images) for dataset in self.datasets)


@dataclass(frozen=True)
class Scored:
    """One image at one scale: pictures and scores."""

    name: str
    pair: Pair
    sr: UInt8[np.ndarray, "height width 3"]
    bicubic: UInt8[np.ndarray, "height width 3"]
    scores: Scores


@dataclass(frozen=True)
class Row:
    """Mean scores over the images of one dataset at one scale.

    Attributes:
      dataset: its name.
      scale_h: horizontal factor.
      scale_v: vertical factor.
      images: number of images in the means.
      scores: the means.
      exact: number of images left out of them, since a picture equals HR and PSNR is infinite.
    """

    dataset: str
    scale_h: float
    scale_v: float
    images: int
    scores: Scores
    exact: int = 0

    @property
    def fields(self) -> dict[str, str | float]:
        """As files hold them."""
        place = {"dataset": self.dataset, "scale_h": self.scale_h, "scale_v": self.scale_v, "images": self.images}
        return {**place, **self.scores.fields, **({"exact": self.exact} if self.exact else {})}

    @classmethod
    def of_fields(cls, values: Mapping[str, Any]) -> Row:
        """The inverse of `fields`.

        Raises:
          KeyError: a field is missing.
        """
        scores = Scores.of_fields(values)
        place = {name: values[name] for name in ("dataset", "scale_h", "scale_v", "images")}
        return cls(**place, scores=scores, exact=values.get("exact", 0))


def make_pair(sweep: Sweep, image: HRImage, scale: Scale) -> Pair:
    """LR and HR of an image, by the protocol or from an LR file.

    Raises:
      ArbsrError: the image cannot be read or is too small, or its LR file is missing or of another scale.
    """
    hr = image.load()
    if sweep.lr:
        return given_lr(find_lr(sweep.lr, image.name, scale), hr, scale)
    return PROTOCOLS[sweep.protocol].pair(hr, scale)


def score(method: Method, task: Task, sweep: Sweep) -> Scored:
    """Super-resolve LR and compare with HR; ceil(r) border pixels do not count (in LPIPS they do).

    Raises:
      ArbsrError: the image is too small, or the method has no result for it.
    """
    rules, (lr, hr), scale = PROTOCOLS[sweep.protocol], task.pair, task.scale
    sr, seconds = method(task)
    sr, bicubic, border = sr[: hr.shape[0], : hr.shape[1]], rules.enlarge(task.pair, scale), crop_border(scale)
    ours, theirs = (quality(picture, hr, scale, sweep.protocol) for picture in (sr, bicubic))
    if np.isnan([ours.psnr, ours.ssim]).any():
        raise ArbsrError(f"{hr.shape[1]}x{hr.shape[0]} pixels without {border} on each side leave nothing to score")
    if sweep.lpips:
        ours, theirs = ours._replace(lpips=sweep.lpips(sr, hr)), theirs._replace(lpips=sweep.lpips(bicubic, hr))
    return Scored(task.image, Pair(lr, hr), sr, bicubic, Scores(ours, theirs, seconds))


def evaluate(
    method: Method,
    sweep: Sweep,
    *,
    on_image: Callable[[Dataset, Scale, Scored | None], None],
    on_failure: Callable[[str], None],
    cache: ScoreCache | None = None,
) -> Iterator[Row]:
    """Rows as they come: for every dataset, every scale.

    Args:
      method: the maker of SR images.
      sweep: the images and scales to score.
      on_image: called with every scored image; None if its scores came out of the cache.
      on_failure: called with one line for every image left out; the rest goes on.
      cache: scores that are known already, and the place for new ones.
    """
    cache = cache or ScoreCache()
    process, processes = sweep.share
    for dataset in sweep.datasets:
        for scale in sweep.scales:
            collected: list[Scores] = []
            for number, image in enumerate(dataset.images):
                if number % processes != process:
                    continue
                try:
                    task = Task(dataset.name, image.name, scale, make_pair(sweep, image, scale))
                    scored, scores = cached_score(method, task, sweep, cache)
                except ArbsrError as error:
                    on_failure(f"{dataset.name}, {image.name}, scale {scale}: {error}")
                    continue
                on_image(dataset, scale, scored)
                collected.append(scores)
            finite = [scores for scores in collected if not scores.exact]
            exact = len(collected) - len(finite)
            if finite:
                horizontal, vertical = float(scale.horizontal), float(scale.vertical)
                yield Row(dataset.name, horizontal, vertical, len(finite), Scores.mean(finite), exact)
            elif exact:
                on_failure(f"{dataset.name}, scale {scale}: each picture equals HR exactly; there is no mean")


def cached_score(method: Method, task: Task, sweep: Sweep, cache: ScoreCache) -> tuple[Scored | None, Scores]:
    """The scores of an image, from the cache or computed; in the second case with its pictures."""
    key = image_key(task.dataset, task.image, task.scale, *task.pair)
    known = cache.find(key)
    if known is not None:
        return None, known
    scored = score(method, task, sweep)
    cache.add(key, scored.scores)
    return scored, scored.scores
