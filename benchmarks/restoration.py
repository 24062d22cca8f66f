"""Damaged photographs: the dial at several strengths, beside bicubic interpolation and fixed x4 networks of others.

    python -m benchmarks.restoration --data B100 [--model arbedsr-restore] [--ncnn NETWORK ...] [--record]
        [--scales 2 4 2.5x3.5] [--protocols jpeg75 noise10 ...] [--strengths 0 0.5 1] [--every 1]

PSNR of Y, that of bicubic interpolation on the same images, and the mean distance in grey levels of the result, made
small again, from the damaged LR image. Networks of others are named by their .param and .bin files without ending;
their x4 pictures are resized to HR's size. Every image counts, or every N-th. What is recorded is left alone.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

from arbsr_jax.dial import Dial
from arbsr_jax.evaluation.datasets import Dataset, open_dataset
from arbsr_jax.evaluation.degraded import NAMES
from arbsr_jax.evaluation.protocols import PROTOCOLS, STANDARD, Pair
from arbsr_jax.imaging.damage import restore_strength
from arbsr_jax.imaging.metrics import crop_border, psnr_y
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.consistency import reconstruction_error
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.models.config import DEFAULT_RESTORING
from benchmarks.record import read, record
from recipes.ncnn_upscaler import load, run

STRENGTHS = ("0", "0.25", "0.5", "0.75", "1")
BICUBIC, AUTO = "bicubic", "auto"
KEY = ("protocol", "scale", "method")
Method = Callable[[Pair], np.ndarray]


def score(pair: Pair, sr: np.ndarray, scale: Scale) -> tuple[float, float]:
    """PSNR of Y in dB, and the distance from LR in grey levels."""
    return psnr_y(sr, pair.hr, crop_border(scale)), reconstruction_error(sr, pair.lr).mean


def methods(model: str, strengths: list[str], ncnn: list[str]) -> dict[str, Method]:
    """From a pair to the picture of HR's size."""
    found: dict[str, Method] = {}
    for path in ncnn:
        network = load(path)
        found[Path(path).name] = lambda pair, network=network: _resized(run(network, pair.lr), pair)
    if strengths:
        made = Strengths(Dial.of(model))
        found |= {text: lambda pair, text=text: made(pair, float(text)) for text in strengths}
        found[AUTO] = lambda pair: made(pair, restore_strength(pair.lr))
    return found


class Strengths:
    """Pictures of one pair after the other, each strength computed once."""

    def __init__(self, dial: Dial) -> None:
        """Take the ends."""
        self._at = functools.cache(lambda strength: Upscaler(dial.at(strength), precision="float32"))
        self._pair: Pair | None = None
        self._made: dict[float, np.ndarray] = {}

    def __call__(self, pair: Pair, strength: float) -> np.ndarray:
        """The picture of HR's size."""
        if pair is not self._pair:
            self._pair, self._made = pair, {}
        if strength not in self._made:
            self._made[strength] = self._at(strength).upscale(pair.lr, size=pair.hr.shape[1::-1])
        return self._made[strength]


def measure(dataset: Dataset, protocol: str, scale: Scale, chosen: Mapping[str, Method], every: int) -> list[dict]:
    """A row for each method."""
    chosen = {BICUBIC: _bicubic, **chosen}
    scores: dict[str, list[tuple[float, float]]] = {name: [] for name in chosen}
    for image in tqdm(dataset.images[::every], leave=False, desc=f"{protocol} {scale}"):
        pair = PROTOCOLS[protocol].pair(image.load(), scale)
        for name, method in chosen.items():
            scores[name].append(score(pair, method(pair), scale))
    place = {"dataset": dataset.name, "protocol": protocol, "scale": str(scale)}
    means = {name: np.mean(values, axis=0).tolist() for name, values in scores.items()}
    bicubic = means[BICUBIC][0]
    return [
        place | {"method": name, "images": len(scores[name]), "psnr": mean[0], "bicubic": bicubic, "distance": mean[1]}
        for name, mean in means.items()
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_RESTORING)
    parser.add_argument("--ncnn", nargs="*", default=[])
    parser.add_argument("--scales", nargs="+", default=["2", "4", "2.5x3.5"])
    parser.add_argument("--protocols", nargs="+", default=[STANDARD, *NAMES])
    parser.add_argument("--strengths", nargs="*", default=list(STRENGTHS))
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args()
    dataset, known = open_dataset(flags.data), {tuple(row[name] for name in KEY) for row in read("restoration")}
    every_method = methods(flags.model, flags.strengths, flags.ncnn)
    for text in flags.scales:
        for protocol in flags.protocols:
            scale = Scale.of(text)
            chosen = {
                name: method
                for name, method in every_method.items()
                if not flags.record or (protocol, str(scale), name) not in known
            }
            rows = measure(dataset, protocol, scale, chosen, flags.every) if chosen else []
            for row in rows:
                gain = row["psnr"] - row["bicubic"]
                words = f"{row['psnr']:.2f} dB ({gain:+.2f}), {row['distance']:.2f} from LR"
                print(f"{protocol} x{scale} {row['method']}: {words}", flush=True)
            if flags.record and rows:
                # Bicubic's own row is of all images.
                kept = [row for row in rows if flags.every == 1 or row["method"] != BICUBIC]
                record("restoration", kept, KEY)


def _bicubic(pair: Pair) -> np.ndarray:
    return _resized(pair.lr, pair)


def _resized(image: np.ndarray, pair: Pair) -> np.ndarray:
    height, width = pair.hr.shape[:2]
    return imresize(image, height=height, width=width)


if __name__ == "__main__":
    main()
