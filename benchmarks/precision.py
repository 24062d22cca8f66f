"""What bfloat16 costs: PSNR of models in float32 and in bfloat16 on a folder of HR images, protocol `standard`.

python -m benchmarks.precision DATA/Set5 [--models arbedsr-tiny ...] [--scales 2 3 4 2.5x3.5] [--record]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from arbsr_jax import load_model
from arbsr_jax.evaluation.datasets import open_dataset
from arbsr_jax.evaluation.methods import Network
from arbsr_jax.evaluation.sweep import Sweep, evaluate
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.parameters import DTYPES
from benchmarks.record import record


def main() -> None:
    """Score and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of HR images")
    parser.add_argument("--models", nargs="+", default=["arbedsr-tiny", "arbedsr-baseline"])
    parser.add_argument("--scales", nargs="+", default=["2", "3", "4", "2.5x3.5"])
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args()
    sweep = Sweep([open_dataset(flags.data)], [Scale.of(text) for text in flags.scales], "standard")
    rows = []
    for model in flags.models:
        scores = {}
        for precision in DTYPES:
            network = Network(load_model(model, precision=precision), by_size=True)
            scores[precision] = evaluate(network, sweep, on_image=lambda *_: None, on_failure=print)
        for text, exact, rough in zip(flags.scales, *scores.values(), strict=True):
            psnr = [row.scores.ours.psnr for row in (exact, rough)]
            row = {"model": model, "dataset": exact.dataset, "scale": text}
            rows.append(row | {"float32": psnr[0], "bfloat16": psnr[1], "difference": psnr[1] - psnr[0]})
            print(f"| {model} | {text} | {psnr[0]:.4f} | {psnr[1]:.4f} | {psnr[1] - psnr[0]:+.4f} |", flush=True)
    if flags.record:
        record("precision", rows, ("model", "dataset", "scale"))


if __name__ == "__main__":
    main()
