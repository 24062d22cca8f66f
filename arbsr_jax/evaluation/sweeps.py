"""Scores of a candidate over datasets and scales, with bicubic interpolation beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from arbsr_jax.data.benchmarks import Dataset, HRImage, find_lr
from arbsr_jax.errors import ArbsrError
from arbsr_jax.evaluation.candidates import Candidate, Task
from arbsr_jax.evaluation.ledger import Ledger, Scores, image_key
from arbsr_jax.evaluation.protocols import PROTOCOLS, Pair, given_lr
from arbsr_jax.ops.geometry import Scale
from arbsr_jax.ops.metrics import psnr_y, shave_border, ssim_y


@dataclass(frozen=True)
class Scored:
    """One image at one scale: pictures and scores (PSNR in dB, SSIM; on Y)."""

    name: str
    pair: Pair
    sr: UInt8[np.ndarray, "height width 3"]
    bicubic: UInt8[np.ndarray, "height width 3"]
    psnr: float
    ssim: float
    bicubic_psnr: float
    bicubic_ssim: float
    seconds: float  # of the candidate, compilation not counted
    lpips: float | None = None  # where it was asked for
    bicubic_lpips: float | None = None


@dataclass(frozen=True)
class Row:
    """Averages over the images of one dataset at one scale; `seconds` is the mean per image."""

    dataset: str
    scale_h: float
    scale_v: float
    images: int
    psnr: float
    ssim: float
    bicubic_psnr: float
    bicubic_ssim: float
    seconds: float
    lpips: float | None = None
    bicubic_lpips: float | None = None


AVERAGED = ("psnr", "ssim", "bicubic_psnr", "bicubic_ssim", "seconds")
PERCEPTUAL = ("lpips", "bicubic_lpips")


@dataclass(frozen=True)
class Sweep:
    """What is to be scored, and how.

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

    @property
    def scores(self) -> tuple[str, ...]:
        """Names of what is averaged over images."""
        return AVERAGED + (PERCEPTUAL if self.lpips else ())

    def __len__(self) -> int:
        return len(self.scales) * sum(len(dataset.images) for dataset in self.datasets)


def make_pair(sweep: Sweep, image: HRImage, scale: Scale) -> Pair:
    """LR and HR of an image, by the protocol or from an LR file.

    Raises:
      ArbsrError: the image cannot be read or is too small, or its LR file is missing or of another scale.
    """
    hr = image.load()
    if sweep.lr:
        return given_lr(find_lr(sweep.lr, image.name, scale), hr, scale)
    return PROTOCOLS[sweep.protocol].pair(hr, scale)


def score(candidate: Candidate, task: Task, sweep: Sweep) -> Scored:
    """Super-resolve LR and compare with HR; ceil(r) border pixels do not count (in LPIPS they do).

    Raises:
      ArbsrError: the image is too small, or the candidate has no result for it.
    """
    rules, (lr, hr), scale = PROTOCOLS[sweep.protocol], task.pair, task.scale
    sr, seconds = candidate(task)
    sr, bicubic, border = sr[: hr.shape[0], : hr.shape[1]], rules.enlarge(task.pair, scale), shave_border(scale)
    scores = []
    for picture in (sr, bicubic):
        scores += [psnr_y(picture, hr, border), ssim_y(picture, hr, border, rules.luma_gain)]
    if np.isnan(scores).any():
        raise ArbsrError(f"{hr.shape[1]}x{hr.shape[0]} pixels without {border} on each side leave nothing to score")
    perceptual = [sweep.lpips(picture, hr) for picture in (sr, bicubic)] if sweep.lpips else []
    return Scored(task.image, Pair(lr, hr), sr, bicubic, *scores, seconds, *perceptual)


def evaluate(
    candidate: Candidate,
    sweep: Sweep,
    *,
    on_image: Callable[[Dataset, Scale, Scored | None], None],
    on_failure: Callable[[str], None],
    ledger: Ledger | None = None,
) -> Iterator[Row]:
    """Rows as they come: for every dataset, every scale.

    Args:
      candidate: who makes SR images.
      sweep: what is to be scored.
      on_image: called with every scored image; None where its scores came out of the ledger.
      on_failure: called with one line for every image left out; the rest goes on.
      ledger: scores that are known already, and where to keep new ones.
    """
    ledger = ledger or Ledger(None, "")
    process, processes = sweep.share
    for dataset in sweep.datasets:
        for scale in sweep.scales:
            found = []
            for number, image in enumerate(dataset.images):
                if number % processes != process:
                    continue
                try:
                    pair = make_pair(sweep, image, scale)
                    task = Task(dataset.name, image.name, scale, pair)
                    scored, scores = _known_or_new(candidate, task, sweep, ledger)
                except ArbsrError as error:
                    on_failure(f"{dataset.name}, {image.name}, scale {scale}: {error}")
                    continue
                on_image(dataset, scale, scored)
                found.append([scores[field] for field in sweep.scores])
            if found:
                factors = float(scale.horizontal), float(scale.vertical)
                yield Row(dataset.name, *factors, len(found), *np.mean(found, axis=0).tolist())


def _known_or_new(candidate: Candidate, task: Task, sweep: Sweep, ledger: Ledger) -> tuple[Scored | None, Scores]:
    key = image_key(task.dataset, task.image, task.scale, *task.pair)
    known = ledger.find(key)
    if known is not None:
        return None, known
    scored = score(candidate, task, sweep)
    scores = {field: getattr(scored, field) for field in sweep.scores}
    ledger.add(key, scores)
    return scored, scores
