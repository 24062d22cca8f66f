"""Seconds until a training step or an image is compiled, and milliseconds that it takes, beside another checkout's.

    python -m benchmarks.step_compiling [--steps tiny baseline full] [--images arbedsr-tiny ...] [--before CHECKOUT]

A step at x2.5 of 8 LR patches of 40x40 pixels (full size: of 2) on two CPU devices; an image of 100x100 pixels at x2.
Nothing is on disk.
Checkouts take turns, each in processes of its own: `git worktree add ../before COMMIT` makes one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.inference import MODELS
from benchmarks.record import machine, record

ROOT = Path(__file__).parents[1]
BATCHES, PATCH, SCALE = {"tiny": 8, "baseline": 8, "full": 2}, 40, "2.5"  # full: more does not fit into 24 GiB
# Both run in any checkout since the first release.
STEP = """
import json, sys, time
import jax, numpy as np
jax.config.update("jax_num_cpu_devices", 2)
from arbsr_jax import compilation, parallel
from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.network import initialize
from arbsr_jax.train import optimizer
from arbsr_jax.train.norms import add_norms
from arbsr_jax.train.recipe import SIZES
from arbsr_jax.train import state as states
from arbsr_jax.train.step import Constants, make_step
model, batch, patch, scale = SIZES[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3]), Scale.of(sys.argv[4])
hr = scale.output_size(patch, patch)
rng = np.random.default_rng(0)
images = rng.integers(0, 256, (batch, patch, patch, 3), np.uint8), rng.integers(0, 256, (batch, *hr, 3), np.uint8)
adam = getattr(optimizer, "adam", None) or optimizer.guarded_adam
adam = adam()
init_state = getattr(states, "init_state", None) or states.fresh_state  # of older checkouts
state = parallel.replicate(init_state(add_norms(initialize(model, 0)), adam))
constants = parallel.replicate(Constants(make_grid(scale, hr), np.full(1, 1e-4, np.float32)))
step, shards = parallel.DataParallel(make_step(model, adam)), parallel.shard(images)
begin = time.perf_counter()
state, metrics = step(state, shards, constants)
jax.block_until_ready(state)
compiled, times = time.perf_counter() - begin, []
for _ in range(int(sys.argv[5])):
    begin = time.perf_counter()
    state, metrics = step(state, shards, constants)
    jax.block_until_ready(state)
    times.append(1e3 * (time.perf_counter() - begin))
print(json.dumps({"compile_s": compiled - min(times) / 1e3, "ms": times}))
"""
IMAGE = """
import json, sys, time
import jax, numpy as np
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.model_file import Model
from arbsr_jax.models.network import initialize
from benchmarks.inference import MODELS
config, times, parts = MODELS[sys.argv[1]], [], []
upscaler = Upscaler(Model(sys.argv[1], config, initialize(config, seed=0), {}), tile=0)
network = getattr(upscaler, "network", upscaler)  # of older checkouts
jax.monitoring.register_event_duration_secs_listener(
    lambda name, seconds, **_: parts.append(seconds) if name.endswith("backend_compile_duration") else None)
image = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
for _ in range(1 + int(sys.argv[5])):
    times.append(1e3 * network.timed(lambda: upscaler.upscale(image, 2))[1])
compiling = network.compile_seconds if network is upscaler else network.seconds
print(json.dumps({"compile_s": compiling, "encoder_s": max(parts), "ms": times[1:]}))
"""


def measured(checkout: Path, child: str, name: str, repeats: int) -> dict[str, Any]:
    """Seconds and milliseconds in a fresh process."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "JAX_ENABLE_COMPILATION_CACHE": "0"}
    command = [sys.executable, "-c", child, name, str(BATCHES.get(name, 1)), str(PATCH), SCALE, str(repeats)]
    done = subprocess.run(command, env=environment, cwd=checkout, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", nargs="*", default=["tiny", "baseline", "full"], help="sizes of ArbEDSR")
    parser.add_argument("--images", nargs="*", default=list(MODELS), choices=MODELS, help="networks")
    parser.add_argument("--before", type=Path, help="another checkout of this repository")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=8, help="steps or images that are timed in each round")
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args()
    checkouts = {"after": ROOT} | ({"before": flags.before.resolve()} if flags.before else {})
    cases = [("step", STEP, size) for size in flags.steps] + [("image", IMAGE, name) for name in flags.images]
    for kind, child, name in cases:
        rounds: dict[str, list[dict[str, Any]]] = {checkout: [] for checkout in checkouts}
        for _ in range(flags.rounds):
            for checkout, folder in checkouts.items():
                rounds[checkout].append(measured(folder, child, name, flags.repeats))
        row: dict[str, object] = {"of": kind, "model": name if kind == "image" else f"arbedsr-{name}"}
        for checkout, found in rounds.items():
            row[f"{checkout}_compile_s"] = min(one["compile_s"] for one in found)
            row[f"{checkout}_encoder_s"] = min((one["encoder_s"] for one in found if "encoder_s" in one), default="")
            row[f"{checkout}_ms"] = statistics.median(ms for one in found for ms in one["ms"])
        print(row, flush=True)
        if flags.record:
            record("step_compiling", [row | {"machine": machine()}], ("of", "model", "machine"))


if __name__ == "__main__":
    main()
