"""How many training pairs tf.data delivers: the paper's patches and scales, out of decoded images in memory.

    python -m benchmarks.data_pipeline --data DIR [--json FILE]

Every size is timed `--rounds` times; the median counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

from arbsr_jax.data.pipeline import BatchPlan, batches, hide_accelerators
from arbsr_jax.data.sources import training_images
from arbsr_jax.data.store import ImageStore, decode
from arbsr_jax.imaging.scale import PICTURE_SCALES, Scale
from arbsr_jax.train.schedule import scale_schedule, training_scales
from benchmarks.record import machine, record

WARM_UP = 20  # batches before the clock starts: more than are prefetched


def pairs_per_second(
    store: ImageStore, scales: list[Scale], patch: int, batch: int, count: int, *, degraded: bool = False
) -> float:
    """Pairs of `count` batches over the time they take once the pipeline runs; half of each mix is a picture."""
    schedule = scale_schedule(scales, WARM_UP + count, 0, seed=0)
    shares = np.full(len(schedule), 0.5, np.float32)
    stream = batches(store, BatchPlan(scales, schedule, patch, batch, seed=0, hr_shares=shares, degraded=degraded))
    for _ in range(WARM_UP):
        next(stream)
    begin = time.perf_counter()
    for _ in range(count):
        next(stream)
    return count * batch / (time.perf_counter() - begin)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", required=True, help="folders of HR images")
    parser.add_argument("--batches", type=int, default=150, help="timed in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the rows there")
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args()
    hide_accelerators()
    cases = {
        "50x50, 1.1 to 4.0": (training_scales(asymmetric=False), 50, 16),
        "50x50, every pair": (training_scales(asymmetric=True), 50, 16),
        "50x50, every pair, mixed with pictures": (training_scales(asymmetric=True), 50, 16),
        "50x50, every pair to 8, mixed with pictures": (training_scales(asymmetric=True, largest=8.0), 50, 16),
        "50x50, every pair, degraded": (training_scales(asymmetric=True), 50, 16),
        "48x48, x2": ([Scale.of(2)], 48, 16),
        "48x48, x4": ([Scale.of(4)], 48, 16),
    }
    images = training_images(flags.data, (256, 256), print)
    store = decode(images, print)
    # Where pictures lie is what costs, not what they show: each image serves as its own.
    mixed = decode([image._replace(pictures=dict.fromkeys(PICTURE_SCALES, image.load)) for image in images], print)
    print(f"{len(images)} images, {np.prod(store.sizes, axis=1).sum() / 1e6:.0f} Mpx in memory")
    print("| patches | batch | pairs/s |\n| --- | --- | --- |")
    rows = []
    for name, (scales, patch, batch) in cases.items():
        of_case = mixed if "mixed" in name else store
        kind = {"degraded": "degraded" in name}
        rates = [pairs_per_second(of_case, scales, patch, batch, flags.batches, **kind) for _ in range(flags.rounds)]
        rows.append({"patches": name, "batch": batch, "pairs_per_second": statistics.median(rates)})
        print(f"| {name} | {batch} | {rows[-1]['pairs_per_second']:,.0f} |", flush=True)
    if flags.record:
        record("data_pipeline", [row | {"machine": machine()} for row in rows], ("patches", "batch", "machine"))
    if flags.json:
        flags.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
