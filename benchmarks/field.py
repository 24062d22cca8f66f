"""Whole images and decoding by field upsampling, beside the paper's upsampling of the same backbone, in turn.

    python -m benchmarks.field [--models arbedsr-baseline arbedsr-tiny] [--scales 2 3 4 2.5x3.5 2.7] [--rounds 7]
        [--record]

Results have 1280x720 pixels, at other scales than integers about as many; weights are random, images are computed as
a whole, and compilation is not counted. Ratios are medians of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from arbsr_jax.imaging.grid import factors, window_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.compiled import CompiledNetwork
from arbsr_jax.models.config import EDSR_BASELINE, EDSR_BASELINE_FIELD, EDSR_TINY, EDSR_TINY_FIELD
from arbsr_jax.models.extent import Extent
from arbsr_jax.models.network import initialize
from benchmarks.record import machine, record
from benchmarks.timing import in_turn, ratio

MODELS = {"arbedsr-baseline": (EDSR_BASELINE, EDSR_BASELINE_FIELD), "arbedsr-tiny": (EDSR_TINY, EDSR_TINY_FIELD)}
SCALES = ("2", "3", "4", "2.5x3.5", "2.7")
HR = (720, 1280)
PARTS = ("encode", "decode")


def parts_of(scale: Scale, network: CompiledNetwork) -> dict[str, Callable[[], Any]]:
    """Encoding and decoding of one image, each of which waits for its result."""
    height, width = (round(side / factor) for side, factor in zip(HR, (scale.vertical, scale.horizontal), strict=True))
    hr = scale.output_size(height, width)
    extent = Extent(np.array([[height, width]], np.int32))
    image = np.random.default_rng(0).uniform(0, 255, (1, 1, height, width, 3)).astype(np.float32)
    grid = window_grid(scale, (0, 0), hr, (0, 0), hr, by_cell=network.by_cell)
    table = network.phase_table(grid)
    split = jax.tree.map(lambda leaf: leaf[None], grid._replace(scale=None))
    features, _ = network.encode(image, factors(scale), extent)

    def encode() -> None:
        jax.block_until_ready(network.encode(image, factors(scale), extent))

    def decode() -> None:
        jax.block_until_ready(network.decode(features, extent, split, factors(scale), table, rounded=True))

    decode()
    return {"encode": encode, "decode": decode}


def measure(name: str, networks: dict[str, CompiledNetwork], text: str, rounds: int) -> dict[str, Any]:
    """One row of the table."""
    runs = {}
    for kind, network in networks.items():
        parts = parts_of(Scale.of(text), network)
        runs |= {f"{kind}_{part}": parts[part] for part in PARTS}
    found = in_turn(runs, rounds)
    row: dict[str, Any] = {"model": name, "scale": text}
    for kind in networks:
        found[kind] = [sum(both) for both in zip(*(found[f"{kind}_{part}"] for part in PARTS), strict=True)]
        row |= {f"{kind}_{part}_ms": statistics.median(found[f"{kind}_{part}"]) for part in PARTS}
    return row | {
        "decode_ratio": ratio(found["field_decode"], found["paper_decode"]),
        "whole_ratio": ratio(found["field"], found["paper"]),
    }


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--scales", nargs="+", default=SCALES)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags, rows = parser.parse_args(), []
    print("| model | scale | paper: encode, decode ms | field: encode, decode ms | decode ratio | whole ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in flags.models:
        configs = dict(zip(("paper", "field"), MODELS[name], strict=True))
        networks = {kind: CompiledNetwork(config, initialize(config, 0)) for kind, config in configs.items()}
        for text in flags.scales:
            row = measure(name, networks, text, flags.rounds)
            rows.append(row | {"machine": machine()})
            times = [f"{row[f'{kind}_encode_ms']:.0f}, {row[f'{kind}_decode_ms']:.0f}" for kind in networks]
            print(f"| {name} | {text} | {' | '.join(times)} | {row['decode_ratio']:.2f} | {row['whole_ratio']:.2f} |")
    if flags.record:
        record("field", rows, ("model", "scale", "machine"))


if __name__ == "__main__":
    main()
