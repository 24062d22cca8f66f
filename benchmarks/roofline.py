"""What upscaling one image computes and moves, the time that a machine's peaks allow, and the share that is reached.

    python -m benchmarks.roofline --model arbedsr-tiny --scale 3 --size 1280x720 [--precision bfloat16]
        [--peak-flops 989e12 --peak-bytes 3.35e12] [--record]

Operations are those of plain convs, as XLA counts them before it compiles: Winograd needs fewer, so that its
share can be above 1. Bytes are what must be moved at least: parameters, the image, features and the result, once each.
Peaks that are not given are measured: by a product of matrices, and by a copy.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from arbsr_jax.imaging.grid import factors, make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.compiled import CompiledNetwork
from arbsr_jax.kernels.conv3x3 import XLA, ConvOptions
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.extent import WHOLE, Extent
from arbsr_jax.models.network import SRNetwork, parameter_shapes
from arbsr_jax.models.parameters import DTYPES, Parameters, cast_parameters
from benchmarks.inference import MODELS
from benchmarks.record import machine, record
from benchmarks.timing import median_seconds

SIDE, COPIED = 4096, 2**28  # of the matrices, and bytes of the copy
PEAK_ROUNDS = 5


def measured_peaks(dtype: Any) -> tuple[float, float]:
    """Operations and bytes per second."""
    matrix = jnp.ones((SIDE, SIDE), dtype)
    product = jax.jit(lambda a: a @ a)
    values = [jnp.ones(COPIED // 4, jnp.float32)]
    copy = jax.jit(lambda x: x + 1, donate_argnums=0)  # in place: fresh memory would be measured otherwise

    def copied() -> Any:
        values[0] = copy(values[0])
        return values[0]

    flops = 2 * SIDE**3 / median_seconds(lambda: product(matrix), PEAK_ROUNDS)
    return flops, 2 * COPIED / median_seconds(copied, PEAK_ROUNDS)


def operations(config: ModelConfig, parameters: Parameters, scale: Scale, size: tuple[int, int]) -> tuple[float, float]:
    """Of encoding and of decoding an image of (height, width)."""
    network, grid = SRNetwork(config, options=ConvOptions(XLA)), make_grid(scale, scale.output_size(*size)).filled
    lr = jax.ShapeDtypeStruct((1, *size, 3), jnp.float32)
    features = jax.ShapeDtypeStruct((1, *size, config.channels), jnp.float32)

    def encode(parameters: Parameters, lr: Any) -> Any:
        return network.apply({"params": parameters}, lr, factors(scale), WHOLE, method="encode")[0]

    def decode(parameters: Parameters, features: Any) -> Any:
        return network.apply({"params": parameters}, features, WHOLE, grid, method="decode")

    counted = []
    for function, array in ((encode, lr), (decode, features)):
        analysis: Any = jax.jit(function).lower(parameters, array).cost_analysis()
        counted.append(float(analysis["flops"]))
    return counted[0], counted[1]


def measure(
    name: str, scale: Scale, size: tuple[int, int], precision: str, peaks: tuple[float, float], rounds: int
) -> list[dict[str, Any]]:
    """A row for each program, on the device that is there."""
    config, dtype = MODELS[name], DTYPES[precision]
    rng = np.random.default_rng(0)
    parameters = jax.tree.map(lambda leaf: rng.normal(0, 0.02, leaf.shape).astype(np.float32), parameter_shapes(config))
    network, hr = CompiledNetwork(config, parameters, dtype), scale.output_size(*size)
    lr = rng.uniform(0, 255, (1, 1, *size, 3)).astype(np.float32)
    extent, grid = Extent(np.array([size], np.int32)), make_grid(scale, hr)
    split = jax.tree.map(lambda leaf: leaf[None], grid._replace(scale=None))
    table, factor = network.phase_table(grid), factors(scale)
    features, _ = network.encode(lr, factor, extent)
    runs = {
        "encode": lambda: network.encode(lr, factor, extent),
        "decode": lambda: network.decode(features, extent, split, factor, table, rounded=True),
    }
    weights = sum(leaf.nbytes for leaf in jax.tree.leaves(cast_parameters(parameters, dtype)))
    moved = {
        "encode": weights + lr.nbytes + features.nbytes,
        "decode": features.nbytes + 3 * hr[0] * hr[1],
    }
    counted = dict(zip(runs, operations(config, parameters, scale, size), strict=True))
    rows = []
    for program, run in runs.items():
        allowed = max(counted[program] / peaks[0], moved[program] / peaks[1])
        taken = median_seconds(run, rounds)
        numbers = {"gflop": counted[program] / 1e9, "megabytes": moved[program] / 1e6, "peak_ms": 1e3 * allowed}
        rows.append({"program": program, **numbers, "ms": 1e3 * taken, "share": allowed / taken})
    device = jax.devices()[0].device_kind
    conditions = {"model": name, "scale": str(scale), "size": f"{size[1]}x{size[0]}", "precision": precision}
    return [{**conditions, "device": device, "machine": machine(), **row} for row in rows]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=MODELS, default="arbedsr-tiny")
    parser.add_argument("--scale", default="3")
    parser.add_argument("--size", default="1280x720", help="of the image, width x height")
    parser.add_argument("--precision", choices=DTYPES, default="float32")
    parser.add_argument("--peak-flops", type=float, help="operations per second (default: measured)")
    parser.add_argument("--peak-bytes", type=float, help="bytes per second (default: measured)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args(arguments)
    width, height = map(int, flags.size.split("x"))
    measured = (0.0, 0.0) if flags.peak_flops and flags.peak_bytes else measured_peaks(DTYPES[flags.precision])
    peaks = flags.peak_flops or measured[0], flags.peak_bytes or measured[1]
    print(f"{jax.devices()[0].device_kind}: {peaks[0] / 1e9:,.0f} GFLOP/s, {peaks[1] / 1e9:,.1f} GB/s")
    rows = measure(flags.model, Scale.of(flags.scale), (height, width), flags.precision, peaks, flags.rounds)
    print("| program | GFLOP | MB | ms at the peaks | ms | share |\n| --- | --- | --- | --- | --- | --- |")
    for row in rows:
        cells = [f"{row[name]:,.1f}" for name in ("gflop", "megabytes", "peak_ms", "ms")]
        print(f"| {' | '.join([row['program'], *cells, format(row['share'], '.2f')])} |")
    if flags.record:
        record("roofline", rows, ("model", "scale", "size", "precision", "device", "machine", "program"))


if __name__ == "__main__":
    main()
