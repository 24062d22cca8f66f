"""Loss and validation PSNR of training runs as one picture.

python recipes/curves.py runs/cpu/x4 runs/cpu/symmetric runs/cpu/asymmetric -o docs/img/training.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from matplotlib.figure import Figure

from arbsr_jax.analysis.figures import plain_ticks
from arbsr_jax.train.logs import LINES


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="workdirs, in the order in which they ran")
    parser.add_argument("-o", "--output", type=Path, required=True)
    flags = parser.parse_args()
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    losses, scores = figure.subplots(1, 2)
    before, colours = 0, {}
    for run in flags.runs:
        lines = [json.loads(line) for line in (run / LINES).read_text().splitlines()]
        found = [(before + line["step"], line["loss"]) for line in lines if "loss" in line]
        losses.plot(*zip(*found, strict=True), label=run.name)
        for name in sorted({name for line in lines for name in line if name.startswith("psnr/")}):
            points = [(before + line["step"], line[name]) for line in lines if name in line]
            label = None if name in colours else name.removeprefix("psnr/")
            colour = colours.setdefault(name, f"C{len(colours)}")
            scores.plot(*zip(*points, strict=True), ".-", color=colour, label=label)
        before += lines[-1]["step"]
    losses.set(xlabel="step", ylabel="loss", yscale="log")
    scores.set(xlabel="step", ylabel="PSNR of Y, dB")
    plain_ticks(losses.yaxis)
    for axis in (losses, scores):
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(flags.output, dpi=110)


if __name__ == "__main__":
    main()
