"""What projection costs and gives: PSNR and distance from the source with and without it, protocol `standard`.

python -m benchmarks.consistent DATA/Set5 [--models arbedsr-tiny ...] [--scales 2 3 4 2.5x3.5 8] [--record]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from arbsr_jax import load_model
from arbsr_jax.evaluation.datasets import open_dataset
from arbsr_jax.evaluation.methods import Network, Task
from arbsr_jax.evaluation.sweep import Sweep, evaluate
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.consistency import ReconstructionError, back_project, reconstruction_error
from benchmarks.record import record


class Projected(Network):
    """A network, whose results are projected if it is asked for.

    Attributes:
      project: whether they are.
      distances: of all results.
    """

    project = False
    distances: list[ReconstructionError]

    def __call__(self, task: Task) -> tuple[np.ndarray, float]:
        """The SR image, and seconds without projection."""
        large, seconds = super().__call__(task)
        if self.project:
            large, apart = back_project(large, task.pair.lr)
        else:
            apart = reconstruction_error(large, task.pair.lr)
        self.distances.append(apart)
        return large, seconds


def main() -> None:
    """Score and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of HR images")
    parser.add_argument("--models", nargs="+", default=["arbedsr-tiny", "arbedsr-baseline"])
    parser.add_argument("--scales", nargs="+", default=["2", "3", "4", "2.5x3.5", "8"])
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args()
    dataset, rows = open_dataset(flags.data), []
    for model in flags.models:
        network = Projected(load_model(model), by_size=True)
        for text in flags.scales:
            row: dict[str, str | float] = {"model": model, "dataset": dataset.name, "scale": text}
            for name, network.project in (("plain", False), ("projected", True)):
                network.distances = []
                sweep = Sweep([dataset], [Scale.of(text)], "standard")
                [scored] = evaluate(network, sweep, on_image=lambda *_: None, on_failure=print)
                row[f"{name}_psnr"] = scored.scores.ours.psnr
                row[f"{name}_mean"] = float(np.mean([apart.mean for apart in network.distances]))
                row[f"{name}_largest"] = float(np.max([apart.largest for apart in network.distances]))
            rows.append(row)
            print(" ".join(f"{value:.3f}" if isinstance(value, float) else value for value in row.values()), flush=True)
    if flags.record:
        record("consistent", rows, ("model", "dataset", "scale"))


if __name__ == "__main__":
    main()
