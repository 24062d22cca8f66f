"""Whether enlarged pictures show the grid of LR pixels: steps across its lines over all other steps, at x8.

    python -m benchmarks.grid --data SET5 [--models bicubic arbedsr-field liif.safetensors] [--image butterfly]
        [--record]

A step is the difference of two HR pixels side by side, of the mean colour. It may be larger between the areas of two LR
pixels, and at their centres, where HR pixels get another LR pixel on one side. Without a grid the ratio is 1 or less.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from arbsr_jax import load_model
from arbsr_jax.evaluation.datasets import open_dataset
from arbsr_jax.evaluation.protocols import PROTOCOLS
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale
from benchmarks.record import record

FACTOR = 8
LINES = {"borders": 0, "centres": FACTOR // 2}


def ratio(sr: np.ndarray, line: int) -> float:
    """Mean step across every eighth place, from `line` on, over the mean of the others; rows and columns together."""
    grey, across, others = sr.astype(float).mean(axis=2), [], []
    for values in (grey, grey.T):
        steps = np.abs(np.diff(values, axis=0))
        on_line = np.arange(1, len(values)) % FACTOR == line
        across.append(steps[on_line].ravel())
        others.append(steps[~on_line].ravel())
    return float(np.concatenate(across).mean() / np.concatenate(others).mean())


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of HR images")
    parser.add_argument("--image", default="butterfly", help="the one whose name has this word")
    parser.add_argument("--models", nargs="+", default=["bicubic", "arbedsr-baseline", "arbedsr-field"])
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags, scale = parser.parse_args(), Scale.of(FACTOR)
    image = next(image for image in open_dataset(Path(flags.data)).images if flags.image in image.name)
    lr = PROTOCOLS["standard"].pair(image.load(), scale).lr
    print("| method | between areas | at centres |\n| --- | --- | --- |")
    for name in flags.models:
        if name == "bicubic":
            sr = imresize(lr, height=FACTOR * lr.shape[0], width=FACTOR * lr.shape[1])
        else:
            sr = load_model(name).upscale(lr, FACTOR)
        row = {"method": Path(name).stem} | {kind: ratio(sr, line) for kind, line in LINES.items()}
        print(f"| {row['method']} | {row['borders']:.2f} | {row['centres']:.2f} |", flush=True)
        if flags.record:
            record("grid", [row], ("method",))


if __name__ == "__main__":
    main()
