"""Means over seeds of an ablation's scores, and how far each row is from the one before it or from one of them, as CSV.

python recipes/seeds_page.py SEED_DIR [SEED_DIR ...] > benchmarks/results/ablation.csv
python recipes/seeds_page.py SEED_DIR [SEED_DIR ...] --rows hr mix --against hr > benchmarks/results/taught.csv

Every folder holds NAME.json files of `evaluate.py --json`, the same names in each.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from arbsr_jax.evaluation.protocols import BICUBIC
from arbsr_jax.imaging.scale import Scale

TABLE_1 = "row1", "row2", "row3", "row4", "row5"
FIXED = "x2", "x3", "x4"  # networks for one scale, of which Table 1 has the scores

Table = dict[str, dict[str, np.ndarray]]  # of a score: model, scale, a value for each seed


def read(folders: list[Path], names: Sequence[str], score: str) -> Table:
    """One score of all folders, bicubic's among it."""
    table: Table = {BICUBIC: {}}
    for name in names:
        seeds = [json.loads((folder / f"{name}.json").read_text())["rows"] for folder in folders]
        for same in zip(*seeds, strict=True):
            scale = str(Scale.of((same[0]["scale_h"], same[0]["scale_v"])))
            table.setdefault(name, {})[scale] = np.array([row[score] for row in same])
            table[BICUBIC][scale] = np.array([same[0][f"bicubic_{score}"]])
    return table


def spread(values: np.ndarray, digits: int, sign: str = "") -> str:
    """Mean and sample standard deviation; the mean alone for a single seed."""
    mean = f"{values.mean():{sign}.{digits}f}"
    return f"{mean} ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else mean


def main() -> None:
    """Print PSNR of every row, and the paired differences of neighbouring rows in PSNR and SSIM."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--rows", nargs="+", default=TABLE_1, help="names of the JSON files (default: Table 1's)")
    parser.add_argument("--against", help="the row that all others are compared with (default: the one before)")
    flags = parser.parse_args()
    rows, names = flags.rows, [*(FIXED if flags.rows == TABLE_1 else ()), *flags.rows]
    pairs = list(pairwise(rows)) if flags.against is None else [(flags.against, r) for r in rows if r != flags.against]
    psnr, ssim = (read(flags.folders, names, score) for score in ("psnr", "ssim"))
    output = csv.writer(sys.stdout, lineterminator="\n")
    output.writerow(["kind", "scale", "method", "value"])
    for scale in psnr[rows[0]]:
        for name, model in psnr.items():
            if scale in model:
                output.writerow(["PSNR", f"x{scale}", name, spread(model[scale], 2)])
    for scale in psnr[rows[0]]:
        for earlier, later in pairs:
            differences = psnr[later][scale] - psnr[earlier][scale], ssim[later][scale] - ssim[earlier][scale]
            words = f"{spread(differences[0], 2, '+')} / {spread(differences[1], 4, '+')}"
            output.writerow(["difference, PSNR / SSIM", f"x{scale}", f"{later} - {earlier}", words])


if __name__ == "__main__":
    main()
