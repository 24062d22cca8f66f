"""Milliseconds and memory of upscaling one image, beside the scale-specific network of the same backbone, and PyTorch.

    python -m benchmarks.inference [--quick] [--models arbedsr-baseline ...] [--scales 2 ...] [--size 100x100]
        [--precision bfloat16] [--json FILE]

uint8 in, uint8 out, images as a whole, random weights; compilation is not counted (it is given apart). Rounds of all
that are compared are interleaved; ratios are medians of the rounds' ratios. `peak_mb` is what XLA says its programs
need beside the parameters. `new_scale_ms` is of an image at another scale than the one before: what the heads give for
a scale is computed then, and kept.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.model_file import Model
from arbsr_jax.models.config import EDSR, EDSR_BASELINE, EDSR_TINY, RCAN, ModelConfig, scale_specific
from arbsr_jax.models.network import initialize, parameter_shapes
from arbsr_jax.models.parameters import DTYPES, count_parameters
from benchmarks.record import machine, record
from benchmarks.timing import in_turn, ratio

try:
    import torch

    from benchmarks.torch_reference import ArbEDSR
except ImportError:
    torch = None

MODELS = {"arbedsr-tiny": EDSR_TINY, "arbedsr-baseline": EDSR_BASELINE, "arbedsr": EDSR, "arbrcan": RCAN}
SCALES = ("2", "3", "4", "2.37", "2.5x3.5", "2.3701")
QUICK_SCALES = ("4", "2.37", "2.5x3.5")
# What a scale without a fixed network is compared with; x2.3701 stands for any ratio of sizes, such as 100 to 237.
BESIDE = {"2.37": "4", "2.5x3.5": "4", "2.3701": "2.37"}
MEBI = 2**20


class Network:
    """A network with random weights, for images as a whole; the encoder's program serves all scales."""

    def __init__(self, config: ModelConfig, precision: str) -> None:
        self.precision = precision
        self._upscaler = Upscaler(Model("random", config, initialize(config, 0), {}), tile=0, precision=precision)
        self._peaks: dict[tuple[int, int], float] = {}

    def forget(self) -> None:
        """Any scale is new again."""
        self._upscaler.replace_model(self._upscaler.model)

    def prepared(self, image: np.ndarray, scale: Scale) -> tuple[Callable[[], None], float, float]:
        """A function that upscales and waits, MiB of temporary memory, and seconds of compiling what is new for it."""
        before, seconds = len(self._upscaler.network.programs), self._upscaler.network.seconds
        size = scale.output_size(*image.shape[:2])

        def run() -> None:
            self._upscaler.upscale(image, scale)

        run()
        programs = self._upscaler.network.programs
        used = [program.memory_analysis() for program in (programs[0], *programs[before:])]
        peak = max(one.temp_size_in_bytes + one.output_size_in_bytes for one in used)
        # Another scale of the same sizes has compiled nothing: it uses the programs of the first.
        return run, self._peaks.setdefault(size, peak / MEBI), self._upscaler.network.seconds - seconds


def in_torch(config: ModelConfig, image: np.ndarray, scale: Scale, *, bfloat16: bool) -> Callable[[], None]:
    """The same network in PyTorch: heads at every HR pixel, grid_sample; `bfloat16`: by autocast, channels last."""
    network = ArbEDSR(config).eval()
    network = network.to(memory_format=torch.channels_last) if bfloat16 else network
    factors, size = (float(scale.vertical), float(scale.horizontal)), scale.output_size(*image.shape[:2])

    def run() -> None:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            lr = torch.tensor(image).permute(2, 0, 1)[None].float()
            lr = lr.contiguous(memory_format=torch.channels_last) if bfloat16 else lr
            sr = network(lr, factors, size)
            sr.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()

    run()
    return run


def measure(
    name: str,
    network: Network,
    text: str,
    image: np.ndarray,
    rounds: int,
    ready: dict[str, Callable[[], None]],
    new: bool,
) -> dict:
    """One row of the table; `ready` keeps the model's runs by scale, for rows that are compared with them."""
    config, scale = MODELS[name], Scale.of(text)
    ours, peak, compiling = network.prepared(image, scale)
    ready[text] = ours
    runs, fixed_peak = {"ours": ours} | ({"new_scale": ours} if new else {}), None
    if scale.symmetric and scale.vertical.denominator == 1:
        fixed = Network(scale_specific(config, int(scale.vertical)), network.precision)
        runs["fixed"], fixed_peak, _ = fixed.prepared(image, scale)
    if (other := BESIDE.get(text)) in ready:
        runs["beside"] = ready[other]
    if torch is not None and config.backbone == "edsr" and jax.default_backend() == "cpu":
        runs["torch"] = in_torch(config, image, scale, bfloat16=False)
        runs["torch_bfloat16"] = in_torch(config, image, scale, bfloat16=True)
    found = in_turn(runs, rounds, before={"new_scale": network.forget})
    row = {"model": name, "scale": text, "parameters": count_parameters(parameter_shapes(config))}
    row |= {"ms": statistics.median(found["ours"]), "peak_mb": peak, "compile_s": compiling}
    for other in ("new_scale", "fixed", "torch", "torch_bfloat16", "beside"):
        row[f"{other}_ms"] = statistics.median(found[other]) if other in found else None
        row[f"ratio_to_{other}"] = ratio(found["ours"], found[other]) if other in found else None
    return row | {"fixed_peak_mb": fixed_peak, "beside": BESIDE[text] if "beside" in runs else None}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer scales and rounds; no new scales")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument(
        "--scales", nargs="+", help=f"default: {' '.join(SCALES)}; with --quick {' '.join(QUICK_SCALES)}"
    )
    parser.add_argument("--rounds", type=int, help="default: 7; with --quick 3")
    parser.add_argument("--size", default="100x100", help="width x height of the LR image, in pixels")
    parser.add_argument("--precision", choices=DTYPES, default="float32", help="of the backbone")
    parser.add_argument("--json", type=Path, help="write the rows there")
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args()
    width, height = map(int, flags.size.split("x"))
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    names = [
        "model",
        "scale",
        "parameters",
        "ms",
        "new scale ms",
        "MiB",
        "fixed ms",
        "fixed MiB",
        "to fixed",
        "PyTorch ms",
        "to PyTorch",
        "to PyTorch in bfloat16",
        "to another scale",
    ]
    device = jax.devices()[0].device_kind
    print(f"{device}, LR {flags.size}, {flags.precision}")
    print(f"| {' | '.join(names)} |\n| {' | '.join(['---'] * len(names))} |")
    rows = []
    for name in flags.models:
        ready: dict[str, Callable[[], None]] = {}
        network = Network(MODELS[name], flags.precision)
        for text in flags.scales or (QUICK_SCALES if flags.quick else SCALES):
            rounds = flags.rounds or (3 if flags.quick else 7)
            row = measure(name, network, text, image, rounds, ready, new=not flags.quick)
            rows.append(row)
            cells = [name, text, f"{row['parameters']:,}", _shown(row["ms"], 0), _shown(row["new_scale_ms"], 0)]
            cells += [_shown(row["peak_mb"], 0)]
            cells += [_shown(row[key], places) for key, places in (("fixed_ms", 0), ("fixed_peak_mb", 0))]
            cells += [_shown(row["ratio_to_fixed"], 2), _shown(row["torch_ms"], 0), _shown(row["ratio_to_torch"], 2)]
            cells += [_shown(row["ratio_to_torch_bfloat16"], 2)]
            cells += [f"{row['ratio_to_beside']:.2f} of x{row['beside']}" if row["beside"] else "-"]
            print(f"| {' | '.join(cells)} |", flush=True)
            gc.collect()
    if flags.record:
        conditions = {"size": flags.size, "precision": flags.precision, "device": device, "machine": machine()}
        record("inference", [row | conditions for row in rows], ("model", "scale", *conditions))
    if flags.json:
        content = {"device": device, "precision": flags.precision, "rows": rows}
        flags.json.write_text(json.dumps(content, indent=2) + "\n")


def _shown(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"


if __name__ == "__main__":
    main()
