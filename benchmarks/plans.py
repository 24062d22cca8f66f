"""Seconds to enlarge photographs by the default plan, untiled, and by another checkout of this package, in turn.

    git worktree add ../before COMMIT
    python -m benchmarks.plans --against ../before [--models arbedsr-tiny arbedsr-baseline] [--rounds 3] [--record]
    python -m benchmarks.plans --devices 1 2 [--cases 1] [--record]

Each candidate has a process of its own, which compiles before it is measured; medians over the rounds. Beside each
photograph a crop of 512x512 is enlarged by the same scale, for seconds per megapixel. `--devices` compares numbers of
CPU devices instead, among which the tiles are shared.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from arbsr_jax import load_model
from benchmarks.record import machine, record

HERE = Path(__file__).parents[1]
CASES = [(1280, 720, "3"), (1920, 1080, "2"), (480, 270, "4"), (4000, 3000, "1.5"), (451, 301, "2.5x3.5")]
CROP = 512
LARGEST_UNTILED = 16e9  # bytes: beyond, whole images are left out
LONG = 30.0  # seconds: what takes longer is measured once
WORKER = """
import json, sys, numpy as np, skimage.data
from arbsr_jax import compilation, load_model
compilation.keep_programs_on_disk()
scene = skimage.data.astronaut()
upscaler = load_model(sys.argv[1], tile=json.loads(sys.argv[2]))
network = getattr(upscaler, "network", upscaler)  # older checkouts
for line in sys.stdin:
    width, height, scale = json.loads(line)
    times = -(-height // scene.shape[0]), -(-width // scene.shape[1]), 1
    image = np.ascontiguousarray(np.tile(scene, times)[:height, :width])
    print(network.timed(lambda: upscaler.upscale(image, scale))[1], flush=True)
"""


class Candidate(NamedTuple):
    """What enlarges: a checkout, `tile` as of `Upscaler`, and CPU devices; None: as they are."""

    checkout: Path = HERE
    tile: int | None = None
    devices: int | None = None


class Worker:
    """A process that enlarges images of given sizes and says how long it took."""

    def __init__(self, candidate: Candidate, model: str) -> None:
        folder, pipe = candidate.checkout, subprocess.PIPE
        environment = os.environ | {"PYTHONPATH": str(folder)}
        if candidate.devices:
            environment["JAX_NUM_CPU_DEVICES"] = str(candidate.devices)
        command = [sys.executable, "-c", WORKER, model, json.dumps(candidate.tile)]
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=folder, env=environment)

    def seconds(self, width: int, height: int, scale: str) -> float:
        """For one image."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([width, height, scale]) + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def medians(
    model: str, case: tuple[int, int, str], candidates: dict[str, Candidate], rounds: int, crop_by: str | None = None
) -> dict[str, float]:
    """Seconds of all candidates for one photograph, and of the one named `crop_by` for a crop."""
    width, height, scale = case
    times: dict[str, list[float]] = {}
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(one, model)) for name, one in candidates.items()}
        tasks = {name: (worker, (width, height)) for name, worker in workers.items()}
        if crop_by:
            tasks["crop"] = workers[crop_by], (CROP, CROP)
        for worker, size in tasks.values():
            worker.seconds(*size, scale)  # compiles
        for _ in range(rounds):
            for name, (worker, size) in tasks.items():
                if not times.get(name) or times[name][0] < LONG:
                    times.setdefault(name, []).append(worker.seconds(*size, scale))
    return {f"{name}_s": statistics.median(seconds) for name, seconds in times.items()}


def compare_plans(
    model: str, case: tuple[int, int, str], candidates: dict[str, Candidate], rounds: int
) -> dict[str, Any]:
    """A row of the table of plans."""
    width, height, scale = case
    found: dict[str, Any] = medians(model, case, candidates, rounds, crop_by="default")
    found["to_untiled"] = found["default_s"] / found["untiled_s"] if "untiled_s" in found else None
    found["to_before"] = found["default_s"] / found["before_s"] if "before_s" in found else None
    found["per_pixel_to_crop"] = found["default_s"] / (width * height) / (found["crop_s"] / CROP**2)
    plan = load_model(model).explain((height, width), scale)
    return {"model": model, "size": f"{width}x{height}", "scale": scale, **found, "plan": plan, "machine": machine()}


def compare_devices(model: str, case: tuple[int, int, str], counts: list[int], rounds: int) -> list[dict[str, Any]]:
    """A row for each number of CPU devices."""
    width, height, scale = case
    photograph = {"model": model, "size": f"{width}x{height}", "scale": scale}
    seconds = medians(model, case, {str(n): Candidate(devices=n) for n in counts}, rounds)
    return [photograph | {"devices": n, "seconds": seconds[f"{n}_s"], "machine": machine()} for n in counts]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["arbedsr-tiny", "arbedsr-baseline"])
    parser.add_argument("--against", type=Path, metavar="DIR", help="the other checkout")
    parser.add_argument("--cases", type=int, nargs="+", default=range(len(CASES)), help="numbers, from 0")
    parser.add_argument("--devices", type=int, nargs="+", metavar="N", help="compare these numbers of CPU devices")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args()
    if flags.devices:
        for model in flags.models:
            for case in (CASES[number] for number in flags.cases):
                rows = compare_devices(model, case, flags.devices, flags.rounds)
                shown = (f"{row['devices']} devices {row['seconds']:.2f} s" for row in rows)
                print(model, rows[0]["size"], f"x{case[2]}:", ", ".join(shown), flush=True)
                if flags.record:
                    record("devices", rows, ("model", "size", "scale", "devices", "machine"))
        return
    print("| model | image | scale | default, s | untiled, s | before, s | to untiled | to before | s/Mpx to 512x512 |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for model in flags.models:
        channels = load_model(model).model.config.channels
        for case in (CASES[number] for number in flags.cases):
            candidates = {"default": Candidate()}
            if 4 * 7 * channels * case[0] * case[1] <= LARGEST_UNTILED:
                candidates["untiled"] = Candidate(tile=0)
            if flags.against:
                candidates["before"] = Candidate(flags.against.resolve())
            row = compare_plans(model, case, candidates, flags.rounds)
            numbers = ("default_s", "untiled_s", "before_s", "to_untiled", "to_before", "per_pixel_to_crop")
            cells = [model, row["size"], row["scale"], *(f"{row[n]:.2f}" if row.get(n) else "-" for n in numbers)]
            print(f"| {' | '.join(cells)} |", flush=True)
            if flags.record:
                record("plans", [row], ("model", "size", "scale", "machine"))


if __name__ == "__main__":
    main()
