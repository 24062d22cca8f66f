"""What `recipes/upsamplers.sh` gave: PSNR after equal steps, over seeds, against the milliseconds of an image.

    python -m benchmarks.upsamplers RUNS [--plot FILE] [--record upsamplers|field_choices]

RUNS holds NAME-SEED/model.safetensors, NAME-SEED/scores.json and, for means over sweeps, NAME-0/SWEEP.json.
Milliseconds are those of a picture of 256x256 pixels enlarged by 3, all networks in turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

import skimage.data
from matplotlib.figure import Figure

from arbsr_jax import load_model
from arbsr_jax.analysis.figures import DPI
from benchmarks.record import machine, record
from benchmarks.timing import in_turn

SIDE, SCALE, ROUNDS = 256, 3, 5
SWEEPS = ("seen", "asymmetric")
FIELD = "field: M 32, hidden 128, 2 layers"
NAMES = {
    "bicubic": "bicubic",
    "paper": "scale-aware (the paper's)",
    "3x3": "scale-aware, 3x3 kernels",
    "experts": "experts",
    "meta": "Meta-SR",
    "liif": "LIIF",
    "base": FIELD,
    "basis16": "field: M 16",
    "basis64": "field: M 64",
    "one-layer": "field: 1 layer",
    "hidden256": "field: hidden 256",
    "adaption": "field, with adaption",
    "nearest": "field: the nearest LR pixel",
    "thera": "field: sines with decay (Thera's)",
    "on-bicubic": "field, on a bicubic image",
}
UPSAMPLERS = ("bicubic", "paper", "3x3", "experts", "meta", "liif", "base")  # the others are choices of the last
TABLES = {"upsamplers": UPSAMPLERS, "field_choices": ("base", *(name for name in NAMES if name not in UPSAMPLERS))}


def scores(runs: Path) -> dict[str, dict[str, list[float]]]:
    """By name and scale the PSNR of every seed."""
    found: dict[str, dict[str, list[float]]] = {}
    for name in NAMES:
        for path in sorted(runs.glob(f"{name}-[0-9]/scores.json")):
            for row in json.loads(path.read_text())["rows"]:
                horizontal, vertical = (f"{row[axis]:g}" for axis in ("scale_h", "scale_v"))
                scale = horizontal if horizontal == vertical else f"{horizontal}x{vertical}"
                found.setdefault(name, {}).setdefault(scale, []).append(row["psnr"])
    return found


def sweeps(runs: Path, name: str) -> dict[str, float]:
    """By sweep the mean PSNR of the first seed over its scales."""
    files = {sweep: runs / f"{name}-0" / f"{sweep}.json" for sweep in SWEEPS}
    rows = {sweep: json.loads(path.read_text())["rows"] for sweep, path in files.items() if path.exists()}
    return {sweep: statistics.mean(row["psnr"] for row in found) for sweep, found in rows.items()}


def milliseconds(runs: Path, names: list[str]) -> dict[str, float]:
    """Of an image, for one model of each name."""
    image = skimage.data.astronaut()[:SIDE, :SIDE]
    upscalers = {name: load_model(next(iter(runs.glob(f"{name}-[0-9]/model.safetensors")))) for name in names}
    times = in_turn({name: lambda u=u: u.upscale(image, SCALE) for name, u in upscalers.items()}, ROUNDS)
    return {name: statistics.median(values) for name, values in times.items()}


def plot(rows: list[dict], path: Path) -> None:
    """PSNR against milliseconds, a picture for each scale."""
    scales = [key for key in rows[0] if key.startswith("x")]
    figure = Figure(figsize=(3 * len(scales), 3.2), layout="constrained")
    for axis, scale in zip(figure.subplots(1, len(scales)), scales, strict=True):
        for row in rows:
            (point,) = axis.plot(row["ms"], row[scale], "o", label=NAMES[row["name"]] if scale == scales[0] else None)
            axis.errorbar(row["ms"], row[scale], row[f"sd {scale}"] or 0, color=point.get_color(), capsize=3)
        axis.set(title=scale, xlabel="ms", ylabel="PSNR of Y, dB" if scale == scales[0] else "")
        axis.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    figure.savefig(path, dpi=DPI)


def main() -> None:
    """Collect, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("--plot", type=Path, help="draw the upsamplers there")
    parser.add_argument("--record", choices=TABLES, help="keep the rows of that table in benchmarks/results")
    flags = parser.parse_args()
    found = {
        name: by_scale
        for name, by_scale in scores(flags.runs).items()
        if not flags.record or name in TABLES[flags.record]
    }
    times, rows = milliseconds(flags.runs, list(found)), []
    for name, by_scale in found.items():
        row: dict = {"name": name, "seeds": len(next(iter(by_scale.values()))), "ms": times[name]}
        for scale, values in by_scale.items():
            spread = statistics.stdev(values) if len(values) > 1 else None
            row |= {f"x{scale}": statistics.mean(values), f"sd x{scale}": spread}
        row |= sweeps(flags.runs, name)
        print(row, flush=True)
        rows.append(row)
    if flags.record:
        record(flags.record, [row | {"machine": machine()} for row in rows], ("name", "machine"))
    if flags.plot:
        plot([row for row in rows if row["name"] in UPSAMPLERS], flags.plot)


if __name__ == "__main__":
    main()
