"""The paper's Table 3 measured here: parameters, memory and seconds at x4 for an image of 100x100 pixels.

    python -m benchmarks.paper_costs [--networks RDN Meta-RDN ...] [--rounds 3] [--record]

Random weights; the image as a whole. Memory is XLA's own count for the largest program, with the parameters. Meta-SR's
heads run for every pair of phases, as ours always do, and once more for every HR pixel, as its authors' do.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

import jax
import numpy as np

from arbsr_jax.compilation import ProgramCache
from arbsr_jax.imaging.grid import Phases, make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.model_file import Model
from arbsr_jax.models.config import EDSR, RCAN, RDN, ModelConfig, meta, scale_specific
from arbsr_jax.models.network import SRNetwork, initialize
from arbsr_jax.models.parameters import Parameters, count_parameters
from benchmarks.record import machine, record
from benchmarks.timing import median_seconds

SIDE, SCALE, GIGA = 100, Scale.of(4), 1e9
BACKBONES = {"RDN": RDN, "EDSR": EDSR, "RCAN": RCAN}
NETWORKS = {
    name: config
    for backbone, arb in BACKBONES.items()
    for name, config in (
        (backbone, scale_specific(arb, 4)),
        (f"Meta-{backbone}", meta(arb)),
        (f"Arb{backbone}", arb),
        (f"{backbone}, field", dataclasses.replace(arb, adaption="none", upsampler="field")),
    )
}


def bytes_of(program: Any) -> int:
    """What a program takes besides its inputs."""
    analysis = program.memory_analysis()
    return analysis.temp_size_in_bytes + analysis.output_size_in_bytes


def by_phase(config: ModelConfig, parameters: Parameters, image: np.ndarray, rounds: int) -> tuple[float, int]:
    """Seconds and bytes as this package computes."""
    upscaler = Upscaler(Model("random", config, parameters, {}), tile=0)
    seconds = median_seconds(lambda: upscaler.upscale(image, SCALE), rounds)
    return seconds, max(map(bytes_of, upscaler.network.programs))


def by_pixel(config: ModelConfig, parameters: Parameters, image: np.ndarray, rounds: int) -> tuple[float, int]:
    """Seconds and bytes if every HR pixel is a phase of its own, and all are decoded at once."""
    grid = make_grid(SCALE, SCALE.output_size(*image.shape[:2]))
    axes = ((axis.base, np.arange(len(axis.base), dtype=np.int32), axis.relative[axis.phase]) for axis in grid[:2])
    rows, columns = (Phases(*axis) for axis in axes)
    arguments = {"params": parameters}, image[None].astype(np.float32), grid._replace(rows=rows, columns=columns)
    program = ProgramCache(jax.jit(lambda *given: SRNetwork(config).apply(*given)[0])).compiled(*arguments).program
    return median_seconds(lambda: program(*arguments), rounds), bytes_of(program)


def main() -> None:
    """Measure and print rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args()
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    for name in flags.networks:
        config = NETWORKS[name]
        parameters = jax.block_until_ready(initialize(config, 0))
        count = count_parameters(parameters)
        ways = {name: by_phase} | ({f"{name}, heads for every HR pixel": by_pixel} if "Meta" in name else {})
        for label, way in ways.items():
            seconds, size = way(config, parameters, image, flags.rounds)
            row = {"network": label, "parameters": count, "memory_gb": (size + 4 * count) / GIGA, "seconds": seconds}
            print(row, flush=True)
            if flags.record:
                record("paper_costs", [row | {"machine": machine()}], ("network", "machine"))


if __name__ == "__main__":
    main()
