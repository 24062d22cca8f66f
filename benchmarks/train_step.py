"""Seconds of a training step: ours, on whatever device there is, and on CPU beside the same network in PyTorch.

    python -m benchmarks.train_step [--sizes tiny baseline] [--dtype float32] [--batch 16] [--peak TFLOPS] [--json FILE]

Forward, backward and Adam on random images, symmetric scales. Rounds of both are interleaved; ratios are medians of the
rounds' ratios. With the device's `--peak` the share of it that the program's own floating-point operations make is
given too.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from arbsr_jax import parallel
from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.network import initialize
from arbsr_jax.models.parameters import DTYPES
from arbsr_jax.train.optimizer import adam
from arbsr_jax.train.recipe import SIZES
from arbsr_jax.train.state import init_state
from arbsr_jax.train.step import Constants, make_step
from benchmarks.record import machine, record
from benchmarks.timing import in_turn, ratio

try:
    import torch

    from benchmarks.torch_reference import ArbEDSR
except ImportError:
    torch = None

Images = tuple[np.ndarray, np.ndarray]


def pairs(scale: Scale, patch: int, batch: int) -> Images:
    """Random LR patches and their HR patches, uint8."""
    rng = np.random.default_rng(0)
    sizes = (patch, patch), scale.output_size(patch, patch)
    return tuple(rng.integers(0, 256, (batch, *size, 3), np.uint8) for size in sizes)


def our_step(model: ModelConfig, scale: Scale, images: Images, dtype: str) -> tuple[Callable[[], None], float]:
    """A function that does one step and waits for it, and the step's floating-point operations."""
    optimizer = adam()
    constants = parallel.replicate(Constants(make_grid(scale, images[1].shape[1:3]), np.full(1, 1e-4, np.float32)))
    step = parallel.DataParallel(make_step(model, optimizer, dtype=DTYPES[dtype]))
    state = parallel.replicate(init_state(initialize(model, 0), optimizer))
    batch = parallel.shard(images)
    flops = step.flops(state, batch, constants)

    def run() -> None:
        nonlocal state
        state, metrics = step(state, batch, constants)
        jax.block_until_ready((state, metrics))

    return run, flops


def torch_step(model: ModelConfig, scale: Scale, images: Images) -> Callable[[], None]:
    """The same in PyTorch."""
    network = ArbEDSR(model)
    optimizer = torch.optim.Adam(network.parameters(), 1e-4)
    lr, hr = (torch.tensor(image).permute(0, 3, 1, 2) for image in images)

    def run() -> None:
        optimizer.zero_grad()
        sr = network(lr.float(), (float(scale.vertical), float(scale.horizontal)), tuple(hr.shape[2:]))
        (sr - hr.float()).abs().mean().backward()
        optimizer.step()

    return run


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["tiny", "baseline"])
    parser.add_argument("--scales", nargs="+", default=["2", "2.5", "4"])
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--patch", type=int, default=50)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peak", type=float, help="the device's TFLOP/s at that dtype")
    parser.add_argument("--json", type=Path, help="write the rows there")
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args()
    parallel.share_cores(flags.batch)  # as train.py does
    beside = torch is not None and jax.default_backend() == "cpu"
    print(f"{jax.device_count()} x {jax.devices()[0].device_kind}, {flags.dtype}, {flags.batch} x {flags.patch}²")
    print(
        "| model | scale | ms | images/s | of peak | PyTorch ms | ratio |\n| --- | --- | --- | --- | --- | --- | --- |"
    )
    rows = []
    for size in flags.sizes:
        for scale in map(Scale.of, flags.scales):
            images = pairs(scale, flags.patch, flags.batch)
            ours, flops = our_step(SIZES[size], scale, images, flags.dtype)
            runs = {"ours": ours} | ({"torch": torch_step(SIZES[size], scale, images)} if beside else {})
            in_turn(runs, 1)  # the first steps also allocate
            times = in_turn(runs, flags.rounds)
            ms = statistics.median(times["ours"])
            row = {"model": f"arbedsr-{size}", "scale": str(scale), "ms": ms, "dtype": flags.dtype}
            row |= {"images_per_second": 1e3 * flags.batch / ms}
            row |= {"of_peak": flops / ms / (flags.peak * 1e9) if flags.peak else None}
            row |= {"torch_ms": statistics.median(times["torch"]) if beside else None}
            row |= {"ratio_to_torch": ratio(times["ours"], times["torch"]) if beside else None}
            rows.append(row)
            cells = [row["model"], row["scale"], f"{row['ms']:.0f}", f"{row['images_per_second']:.1f}"]
            cells += [f"{row['of_peak']:.0%}" if flags.peak else "-"]
            cells += [f"{row['torch_ms']:.0f}", f"{row['ratio_to_torch']:.2f}"] if beside else ["-", "-"]
            print(f"| {' | '.join(cells)} |", flush=True)
    if flags.record:
        conditions = {"devices": jax.device_count(), "batch": flags.batch, "patch": flags.patch, "machine": machine()}
        record("train_step", [row | conditions for row in rows], ("model", "scale", "dtype", *conditions))
    if flags.json:
        flags.json.write_text(json.dumps({"device": jax.devices()[0].device_kind, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
