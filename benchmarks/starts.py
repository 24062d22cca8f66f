"""Seconds of whole commands, with and without compiled programs on disk, and what the second start is made of.

    python -m benchmarks.starts --data DIR [--record]

`train` is 20 steps of ArbEDSR tiny on the images of DIR; `upscale` enlarges a picture of 451x300 pixels by 2.5x3.5.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import skimage.data
from PIL import Image

from arbsr_jax import compilation
from benchmarks.record import machine, record

WIDTH, HEIGHT, SCALE = 451, 300, "2.5x3.5"
MODELS = ["arbedsr-tiny", "arbedsr-field", "arbedsr-baseline"]
ARBSR = [sys.executable, "-m", "arbsr_jax"]
# The stages of `arbsr upscale`, in a process of its own.
STAGES = """
import json, sys, time
begin, stages = time.perf_counter(), {}
def stage(name):
    global begin
    now = time.perf_counter()
    stages[name], begin = now - begin, now
import arbsr_jax.app.batch
from arbsr_jax import compilation, load_model
compilation.keep_programs_on_disk()
stage("imports_s")
upscaler = load_model(sys.argv[2])
stage("network_s")
from PIL import Image
import numpy as np
pixels = np.asarray(Image.open(sys.argv[1]))
large, computing = upscaler.network.timed(lambda: upscaler.upscale(pixels, sys.argv[3]))
stage("first_s")
large, computing = upscaler.network.timed(lambda: upscaler.upscale(pixels, sys.argv[3]))
stages["programs_s"], stages["computing_s"] = stages.pop("first_s") - computing, computing
print(json.dumps(stages))
"""


def seconds(command: list[str], cache: Path) -> float:
    """Of a whole process."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {compilation.CACHE_VARIABLE: str(cache)})
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="images to train on")
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags, rows = parser.parse_args(), []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        picture = folder / "picture.png"
        Image.fromarray(skimage.data.coffee()[:HEIGHT, :WIDTH]).save(picture)
        train = [*ARBSR, "train", "--config", "arbedsr:tiny", "--data", flags.data, "--config.steps=20", "--workdir"]
        first, second = (seconds([*train, str(folder / run)], folder / "train") for run in ("first", "second"))
        rows.append({"command": "train", "model": "arbedsr-tiny", "first_s": first, "second_s": second})
        print(rows[-1], flush=True)
        for model in MODELS:
            cache = folder / model
            upscale = [
                *ARBSR,
                "upscale",
                str(picture),
                "--scale",
                SCALE,
                "--model",
                model,
                "-o",
                str(folder / "out.png"),
            ]
            first, *later = (seconds(upscale, cache) for _ in range(4))
            stages = subprocess.run(
                [sys.executable, "-c", STAGES, str(picture), model, SCALE],
                check=True,
                capture_output=True,
                text=True,
                env=os.environ | {compilation.CACHE_VARIABLE: str(cache)},
            )
            row = {"command": "upscale", "model": model, "first_s": first, "second_s": min(later)}
            rows.append(row | json.loads(stages.stdout.splitlines()[-1]))
            print(rows[-1], flush=True)
    if flags.record:
        record("starts", [row | {"machine": machine()} for row in rows], ("command", "model", "machine"))


if __name__ == "__main__":
    main()
