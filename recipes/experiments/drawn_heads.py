"""A model file of row 2 whose fresh upsampler varies from the start: its kernels differ over the phases of x4.

python recipes/experiments/drawn_heads.py ROW1.safetensors OUT.safetensors [--std 0.2]

Fresh heads give every phase the same kernel, 1, as bilinear interpolation has it.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.model_file import read_model_file, save_model
from arbsr_jax.models.network import SRNetwork, initialize


def main() -> None:
    """Draw the kernel head's weights and scale them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="model file whose blocks and ends are used")
    parser.add_argument("output", type=Path)
    parser.add_argument("--std", type=float, default=0.2, help="of a channel's kernel over the phases of x4")
    flags = parser.parse_args()
    start = read_model_file(flags.model)
    config = dataclasses.replace(start.config, upsampler="scale_aware")
    parameters = {**initialize(config, seed=0), **start.parameters}
    head = parameters["upsampler"]["hyper"]["kernel"]
    head["kernel"] = np.random.default_rng(0).normal(size=head["kernel"].shape).astype(np.float32)
    table = SRNetwork(config).apply({"params": parameters}, make_grid(Scale.of(4), (16, 16)), method="phase_table")
    head["kernel"] *= flags.std / np.asarray(table["kernel"]).std(axis=(0, 1)).mean()
    save_model(flags.output, config, parameters, {"name": flags.output.stem, "heads": f"drawn, std {flags.std}"})


if __name__ == "__main__":
    main()
