"""Scores of a model over datasets and scales, with bicubic interpolation beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from arbsr_jax.data.benchmarks import Dataset, HRImage
from arbsr_jax.errors import ArbsrError
from arbsr_jax.evaluation.protocols import PROTOCOLS, Pair
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.ops.geometry import Scale
from arbsr_jax.ops.metrics import psnr_y, shave_border, ssim_y
from arbsr_jax.ops.resize import imresize


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
    seconds: float  # of the network, compilation not counted


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


AVERAGED = ("psnr", "ssim", "bicubic_psnr", "bicubic_ssim", "seconds")


def score(upscaler: Upscaler, image: HRImage, scale: Scale, protocol: str) -> Scored:
    """Make LR under the protocol, super-resolve it, and compare with HR; ceil(r) border pixels do not count.

    Raises:
      ArbsrError: the image cannot be read or is too small.
    """
    pair = PROTOCOLS[protocol](image.load(), scale)
    before, compiling = time.perf_counter(), upscaler.compile_seconds
    sr = upscaler.upscale(pair.lr, scale)
    seconds = time.perf_counter() - before - (upscaler.compile_seconds - compiling)
    bicubic = imresize(pair.lr, size=pair.hr.shape[:2])
    border = shave_border(scale)
    scores = [metric(picture, pair.hr, border) for picture in (sr, bicubic) for metric in (psnr_y, ssim_y)]
    if np.isnan(scores).any():
        height, width = pair.hr.shape[:2]
        raise ArbsrError(f"{width}x{height} pixels without {border} on each side leave nothing to score")
    return Scored(image.name, pair, sr, bicubic, *scores, seconds)


def evaluate(
    upscaler: Upscaler,
    datasets: list[Dataset],
    scales: list[Scale],
    protocol: str,
    *,
    on_image: Callable[[Dataset, Scale, Scored], None],
    on_failure: Callable[[str], None],
) -> Iterator[Row]:
    """Rows as they come: for every dataset, every scale.

    Args:
      upscaler: the model.
      datasets: HR images.
      scales: factors to try.
      protocol: a name in `PROTOCOLS`.
      on_image: called with every scored image.
      on_failure: called with one line for every image left out; the rest goes on.
    """
    for dataset in datasets:
        for scale in scales:
            scored = []
            for image in dataset.images:
                try:
                    result = score(upscaler, image, scale, protocol)
                except ArbsrError as error:
                    on_failure(f"{dataset.name}, {image.name}, scale {scale}: {error}")
                    continue
                on_image(dataset, scale, result)
                scored.append(tuple(getattr(result, field) for field in AVERAGED))
            if scored:
                factors = float(scale.horizontal), float(scale.vertical)
                yield Row(dataset.name, *factors, len(scored), *np.mean(scored, axis=0).tolist())
