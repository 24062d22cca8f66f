"""Seconds before the first image: fresh parameters, and programs, compiled or found on disk.

    python -m benchmarks.compiling [--models arbedsr-tiny ...]

Each model in processes of its own, for an image of 100x100 pixels at x2: one that finds no compiled program on disk,
and one that finds all of them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor

import jax
import numpy as np

from arbsr_jax import compilation
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.model_file import Model
from arbsr_jax.models.network import initialize
from benchmarks.inference import MODELS
from benchmarks.record import machine, record

NAMES = ["model", "fresh parameters s", "programs", "compiled in s", "later: fresh parameters s", "found in s"]


def measured(name: str, cache: str) -> tuple[float, int, float]:
    """Seconds of drawing parameters, number of programs for an image, and seconds until they are there."""
    os.environ[compilation.CACHE_VARIABLE] = cache
    compilation.keep_programs_on_disk()
    begin = time.perf_counter()
    parameters = jax.block_until_ready(initialize(MODELS[name], seed=0))
    drawn = time.perf_counter() - begin
    upscaler = Upscaler(Model(name, MODELS[name], parameters, {}))
    upscaler.upscale(np.zeros((100, 100, 3), np.uint8), "2")
    return drawn, len(upscaler.network.programs), upscaler.network.seconds


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags, rows = parser.parse_args(), []
    print(f"| {' | '.join(NAMES)} |\n| {' | '.join(['---'] * len(NAMES))} |")
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, fresh, max_tasks_per_child=1) as processes:
        for name in flags.models:
            with tempfile.TemporaryDirectory() as cache:
                drawn, programs, compiled = processes.submit(measured, name, cache).result()
                again, _, found = processes.submit(measured, name, cache).result()
            print(f"| {name} | {drawn:.1f} | {programs} | {compiled:.1f} | {again:.1f} | {found:.1f} |", flush=True)
            seconds = {"fresh_s": drawn, "compiled_s": compiled, "later_fresh_s": again, "found_s": found}
            rows.append({"model": name, "programs": programs, **seconds, "machine": machine()})
    if flags.record:
        record("compiling", rows, ("model", "machine"))


if __name__ == "__main__":
    main()
