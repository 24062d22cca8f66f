"""Seconds to enlarge many pictures by one process, and by a cluster of Ray with two workers on this machine.

python -m benchmarks.cluster [--pictures 200] [--record]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from benchmarks.record import machine, record

MODEL, SCALE, SIDE = "arbedsr-field-tiny", "2.5x3.5", 160
ENGINES = {"one process": [], "Ray, two workers": ["--on", "ray"]}


def main() -> None:
    """Measure and print rows; results of both engines are compared."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags, rows = parser.parse_args(), []
    with tempfile.TemporaryDirectory() as place:
        folder, scene = Path(place), skimage.data.astronaut()
        (folder / "in").mkdir()
        for number in range(flags.pictures):
            top, left = 7 * number % 350, 11 * number % 350
            Image.fromarray(scene[top : top + SIDE, left : left + SIDE]).save(folder / "in" / f"{number:05d}.png")
        for engine, words in ENGINES.items():
            command = [sys.executable, "-m", "arbsr_jax", "upscale", str(folder / "in"), "-o", str(folder / engine)]
            command += ["--scale", SCALE, "--model", MODEL, *words]
            subprocess.run(command, check=True, capture_output=True)  # leaves compiled programs on disk
            begin = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            rows.append({"engine": engine, "pictures": flags.pictures, "seconds": time.perf_counter() - begin})
            print(rows[-1], flush=True)
        first, second = (sorted((folder / engine).iterdir()) for engine in ENGINES)
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(np.asarray(Image.open(one)), np.asarray(Image.open(other)))
    if flags.record:
        record("cluster", [row | {"machine": machine()} for row in rows], ("engine", "pictures", "machine"))


if __name__ == "__main__":
    main()
