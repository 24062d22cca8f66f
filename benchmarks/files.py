"""Seconds to read and to write large photographs, beside another checkout of this package, in turn.

    python -m benchmarks.files --against DIR [--rounds 5] [--record]

A 24 Mpx JPEG and a 24 Mpx TIFF of 16 bits with zlib, made of scikit-image's photographs. Each round runs both
checkouts, each in a process of its own; medians are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import skimage.data
import tifffile
from PIL import Image

from benchmarks.record import machine, record

SIZE = 4000, 6000
HERE = Path(__file__).parents[1]
RUN = """
import json, sys, time
from pathlib import Path
from arbsr_jax.app.reading import read_photo
from arbsr_jax.app.writing import write_photo
source, target, seconds = Path(sys.argv[1]), Path(sys.argv[2]), {}
for _ in range(2):  # the first time warms up
    begin = time.perf_counter()
    photo = read_photo(source)
    middle = time.perf_counter()
    write_photo(target, photo)
    seconds = {"read_s": middle - begin, "write_s": time.perf_counter() - middle}
print(json.dumps(seconds))
"""


def make(folder: Path) -> list[Path]:
    """The two files."""
    tile = skimage.data.astronaut()
    times = -(-SIZE[0] // tile.shape[0]), -(-SIZE[1] // tile.shape[1]), 1
    pixels = np.tile(tile, times)[: SIZE[0], : SIZE[1]]
    noise = np.random.default_rng(0).integers(0, 6, pixels.shape, np.uint8)  # of a sensor
    pixels = np.minimum(pixels, 250) + noise
    Image.fromarray(pixels).save(folder / "large.jpg", quality=92)
    tifffile.imwrite(folder / "large.tif", pixels.astype(np.uint16) * 257, photometric="rgb", compression="zlib")
    return [folder / "large.jpg", folder / "large.tif"]


def timed(checkout: Path, source: Path, target: Path) -> dict[str, float]:
    """Seconds of one checkout's code."""
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    command = [sys.executable, "-c", RUN, str(source), str(target)]
    result = subprocess.run(command, check=True, capture_output=True, text=True, cwd=checkout, env=environment)
    return json.loads(result.stdout)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, required=True, metavar="DIR", help="the other checkout")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args()
    rows = []
    print("| file | what | here, s | there, s | ratio |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for source in make(Path(folder)):
            target = source.with_stem("written")
            checkouts = {"here": HERE, "there": flags.against.resolve()}
            runs: dict[str, list[dict[str, float]]] = {name: [] for name in checkouts}
            for _ in range(flags.rounds):
                for name, checkout in checkouts.items():
                    runs[name].append(timed(checkout, source, target))
            for what in ("read_s", "write_s"):
                here, there = (statistics.median(run[what] for run in runs[name]) for name in checkouts)
                cells = source.suffix[1:], what[:-2], f"{here:.2f}", f"{there:.2f}", f"{here / there:.2f}"
                print(f"| {' | '.join(cells)} |", flush=True)
                rows.append({"file": source.suffix[1:], "what": what[:-2], "here_s": here, "there_s": there})
    if flags.record:
        record("files", [row | {"machine": machine()} for row in rows], ("file", "what", "machine"))


if __name__ == "__main__":
    main()
