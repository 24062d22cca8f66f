"""Seconds and memory against the size of the result, by tiles under a budget.

    python -m benchmarks.large_images [--megapixels 1 4 16 64] [--memory 1024] [--json FILE] [--plot FILE]

Every size in a process of its own: a real photograph, repeated until it is large enough, upscaled by 2.5x3.5. Memory is
resident memory at its peak, and by how much that grew over what the process had before; what is needed is compiled by
an unmeasured process. The cold start is a whole process for a 100x100 image, with no compiled program on disk and with
all of them.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import skimage.data
from matplotlib.figure import Figure

from arbsr_jax import compilation, load_model
from arbsr_jax.analysis.figures import plain_ticks
from arbsr_jax.imaging.scale import Scale
from benchmarks.record import machine, read, record

SCALE = Scale.of("2.5x3.5")
MEBI = 2**20
NAMES = ["LR", "HR", "Mpx", "s", "s/Mpx", "peak MiB", "grew by MiB", "HR MiB", "programs"]


def photograph(height: int, width: int) -> np.ndarray:
    """A picture of that size, made of one that comes with scikit-image."""
    tile = skimage.data.astronaut()
    times = -(-height // tile.shape[0]), -(-width // tile.shape[1]), 1
    return np.ascontiguousarray(np.tile(tile, times)[:height, :width])


def peak() -> float:
    """Peak resident memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one(model: str, height: int, width: int, memory: int) -> dict:
    """Upscale one image in this process; programs are compiled beforehand, and not counted."""
    compilation.keep_programs_on_disk()
    upscaler, image = load_model(model, memory=memory * MEBI), photograph(height, width)
    upscaler.upscale(image[:300, :300], SCALE)
    before = peak()
    result, seconds = upscaler.network.timed(lambda: upscaler.upscale(image, SCALE))
    sizes = {"lr": f"{width}x{height}", "hr": f"{result.shape[1]}x{result.shape[0]}"}
    pixels = result.shape[0] * result.shape[1] / 1e6
    measured = {"megapixels": pixels, "seconds": seconds, "seconds_per_megapixel": seconds / pixels}
    memory = {"peak_mb": peak(), "grew_mb": peak() - before, "result_mb": result.nbytes / MEBI}
    return {**sizes, **measured, **memory, "programs": len(upscaler.network.programs)}


def in_a_process(*arguments: object) -> str:
    """What this script prints when it runs again with these arguments."""
    command = [sys.executable, "-m", "benchmarks.large_images", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def plot(rows: list[dict], title: str, path: Path) -> None:
    """Time and memory against the size of the result."""
    figure = Figure(figsize=(7.5, 3), layout="constrained")
    figure.suptitle(title, fontsize=9)
    xs = [row["megapixels"] for row in rows]
    drawn = {"seconds": ["seconds"], "MiB": ["grew_mb", "result_mb"]}
    labels = {"seconds": "seconds", "grew_mb": "memory grew by", "result_mb": "the result itself"}
    for axis, (unit, keys) in zip(figure.subplots(1, 2), drawn.items(), strict=True):
        for key in keys:
            points = [(x, row[key]) for x, row in zip(xs, rows, strict=True) if row[key] > 0]  # log has no 0
            axis.loglog(*zip(*points, strict=True), "o-", label=labels[key])
        axis.set(xlabel="result, Mpx", ylabel=unit)
        axis.grid(alpha=0.3)
        axis.legend()
        plain_ticks(axis.xaxis)
        plain_ticks(axis.yaxis)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="arbedsr-tiny")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 4, 16, 64], help="of the results")
    parser.add_argument("--memory", type=int, default=1024, help="budget of a tile, in MiB")
    parser.add_argument("--json", type=Path, help="write the rows there")
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    parser.add_argument("--plot", type=Path, help="draw them there")
    parser.add_argument("--one", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="one LR size, in this process")
    parser.add_argument("--redraw", action="store_true", help="draw the recorded rows without measuring")
    flags = parser.parse_args()
    if flags.redraw:
        kept = [row for row in read("large_images") if row["model"] == flags.model]
        numbers = ("megapixels", "seconds", "grew_mb", "result_mb")
        rows = [{name: float(row[name]) for name in numbers} for row in kept]
        title = f"{flags.model}, {SCALE}, budget {kept[0]['budget_mb']} MiB"
        plot(sorted(rows, key=lambda row: row["megapixels"]), title, flags.plot)
        return
    if flags.one:
        print(json.dumps(one(flags.model, *flags.one, flags.memory)))
        return
    areas = [1e6 * pixels / float(SCALE.vertical * SCALE.horizontal) for pixels in flags.megapixels]
    sizes = [(round((area * 9 / 16) ** 0.5), round((area * 16 / 9) ** 0.5)) for area in areas]
    print(f"{flags.model}, scale {SCALE}, tiles under {flags.memory} MiB")
    print(f"| {' | '.join(NAMES)} |\n| {' | '.join(['---'] * len(NAMES))} |")
    rows = []
    for size in [*sizes, (720, 1280)]:
        alone = "--model", flags.model, "--memory", flags.memory, "--one", *size
        in_a_process(*alone)  # leaves programs on disk: compiling takes memory that upscaling would be given afterwards
        row = json.loads(in_a_process(*alone))
        rows.append(row)
        cells = [row["lr"], row["hr"], *(f"{row[key]:.1f}" for key in ("megapixels", "seconds"))]
        cells += [
            f"{row['seconds_per_megapixel']:.2f}",
            *(f"{row[k]:.0f}" for k in ("peak_mb", "grew_mb", "result_mb")),
        ]
        print(f"| {' | '.join([*cells, str(row['programs'])])} |", flush=True)
    if flags.record:
        conditions = {"model": flags.model, "scale": str(SCALE), "budget_mb": flags.memory, "machine": machine()}
        record("large_images", [row | conditions for row in rows], ("lr", *conditions))
    if flags.json:
        flags.json.write_text(json.dumps({"model": flags.model, "rows": rows}, indent=2) + "\n")
    if flags.plot:
        plot(
            sorted(rows, key=lambda row: row["megapixels"]),
            f"{flags.model}, {SCALE}, budget {flags.memory} MiB",
            flags.plot,
        )


if __name__ == "__main__":
    main()
