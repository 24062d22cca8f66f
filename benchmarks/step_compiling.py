"""Seconds until a training step is compiled, and milliseconds that it takes, beside those of another checkout.

    python -m benchmarks.step_compiling [--sizes tiny baseline full] [--before CHECKOUT] [--record]

One step at x2.5 of 8 LR patches of 40x40 pixels, two CPU devices, nothing on disk. Checkouts take turns, each in
processes of its own: `git worktree add ../before COMMIT` makes one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.record import machine, record

ROOT = Path(__file__).parents[1]
BATCH, PATCH, SCALE = 8, 40, "2.5"
# Runs in any checkout since the first release.
CHILD = """
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
from arbsr_jax.train.state import fresh_state
from arbsr_jax.train.step import Constants, make_step
model, batch, patch, scale = SIZES[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3]), Scale.of(sys.argv[4])
hr = scale.output_size(patch, patch)
rng = np.random.default_rng(0)
images = rng.integers(0, 256, (batch, patch, patch, 3), np.uint8), rng.integers(0, 256, (batch, *hr, 3), np.uint8)
adam = getattr(optimizer, "adam", None) or optimizer.guarded_adam
adam = adam()
state = parallel.replicate(fresh_state(add_norms(initialize(model, 0)), adam))
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


def measured(checkout: Path, size: str, steps: int) -> dict[str, object]:
    """Seconds and milliseconds in a fresh process."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "JAX_ENABLE_COMPILATION_CACHE": "0"}
    command = [sys.executable, "-c", CHILD, size, str(BATCH), str(PATCH), SCALE, str(steps)]
    done = subprocess.run(command, env=environment, cwd=checkout, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=["tiny", "baseline", "full"])
    parser.add_argument("--before", type=Path, help="another checkout of this repository")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=8, help="that are timed in each round")
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args()
    checkouts = {"after": ROOT} | ({"before": flags.before.resolve()} if flags.before else {})
    rows = []
    for size in flags.sizes:
        found = {name: [] for name in checkouts}
        for _ in range(flags.rounds):
            for name, checkout in checkouts.items():
                found[name].append(measured(checkout, size, flags.steps))
        row: dict[str, object] = {"model": f"arbedsr-{size}"}
        for name, rounds in found.items():
            row[f"{name}_compile_s"] = min(one["compile_s"] for one in rounds)
            row[f"{name}_ms"] = statistics.median(ms for one in rounds for ms in one["ms"])
        print(row, flush=True)
        rows.append(row | {"machine": machine()})
    if flags.record:
        record("step_compiling", rows, ("model", "machine"))


if __name__ == "__main__":
    main()
