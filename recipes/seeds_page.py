"""Means over seeds of what the rows of an ablation score, and how far each row is from the one before it.

python recipes/seeds_page.py SEED_DIR [SEED_DIR ...] > ablation.md

Every folder holds NAME.json files of `evaluate.py --json`, the same names in each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from arbsr_jax.evaluation.methods import BICUBIC
from arbsr_jax.evaluation.report import table_line
from arbsr_jax.imaging.scale import Scale

ROWS = "row1", "row2", "row3", "row4", "row5"
FIXED = "x2", "x3", "x4"

Table = dict[str, dict[str, np.ndarray]]  # of a score: model, scale, a value for each seed


def read(folders: list[Path], score: str) -> Table:
    """What all folders hold of one score, bicubic's among it."""
    table: Table = {BICUBIC: {}}
    for name in (*FIXED, *ROWS):
        seeds = [json.loads((folder / f"{name}.json").read_text())["rows"] for folder in folders]
        for same in zip(*seeds, strict=True):
            scale = str(Scale.of((same[0]["scale_h"], same[0]["scale_v"])))
            table.setdefault(name, {})[scale] = np.array([row[score] for row in same])
            table[BICUBIC][scale] = np.array([same[0][f"bicubic_{score}"]])
    return table


def spread(values: np.ndarray, digits: int, sign: str = "") -> str:
    """Mean and sample standard deviation, which one seed alone has none of."""
    mean = f"{values.mean():{sign}.{digits}f}"
    return f"{mean} ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else mean


def main() -> None:
    """Print PSNR of every row, and the paired differences of neighbouring rows in PSNR and SSIM."""
    folders = [Path(name) for name in sys.argv[1:]]
    psnr, ssim = (read(folders, score) for score in ("psnr", "ssim"))
    scales = list(psnr[ROWS[0]])
    print(table_line(["PSNR", *psnr]), table_line(["---"] * (1 + len(psnr))), sep="\n")
    for scale in scales:
        cells = [spread(model[scale], 2) if scale in model else "-" for model in psnr.values()]
        print(table_line([f"x{scale}", *cells]))
    pairs = list(zip(ROWS[1:], ROWS, strict=False))
    head = ["PSNR / SSIM", *(f"{later} - {earlier}" for later, earlier in pairs)]
    print("", table_line(head), table_line(["---"] * len(head)), sep="\n")
    for scale in scales:
        cells = [
            f"{spread(psnr[a][scale] - psnr[b][scale], 2, '+')} / {spread(ssim[a][scale] - ssim[b][scale], 4, '+')}"
            for a, b in pairs
        ]
        print(table_line([f"x{scale}", *cells]))


if __name__ == "__main__":
    main()
