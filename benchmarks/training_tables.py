"""Tables of training: steps, pairs, compiling, upsamplers after equal steps, and what the masks hold."""

from __future__ import annotations

from benchmarks import record
from benchmarks.table_list import Table, columns, listed
from benchmarks.upsamplers import NAMES, SWEEPS


@listed
def step_compiling() -> Table:
    """Compiling a training step or an image, beside an older version."""
    fields = {"of": ("of", ""), "model": ("model", "")}
    for version in ("before", "after"):
        fields |= {
            f"compiled {version}, s": (f"{version}_compile_s", ".1f"),
            f"its encoder {version}, s": (f"{version}_encoder_s", ".1f"),
            f"{version}, ms": (f"{version}_ms", ",.0f"),
        }
    return columns("step_compiling", fields)


@listed
def train_step() -> Table:
    """A training step."""
    fields = {"model": ("model", ""), "scale": ("scale", ""), "CPU devices": ("devices", "")}
    fields |= {"ours, ms": ("ms", ",.0f"), "PyTorch, ms": ("torch_ms", ",.0f"), "ratio": ("ratio_to_torch", ".2f")}
    return columns("train_step", fields)


@listed
def pairs() -> Table:
    """Training pairs a second."""
    return columns(
        "data_pipeline", {"patches": ("patches", ""), "batch": ("batch", ""), "pairs/s": ("pairs_per_second", ",.0f")}
    )


@listed
def upsamplers() -> Table:
    """PSNR after equal steps, by upsampler."""
    return _after_equal_steps("upsamplers")


@listed
def field_choices() -> Table:
    """PSNR after equal steps, by choices of field upsampling."""
    return _after_equal_steps("field_choices")


def _after_equal_steps(name: str) -> Table:
    scales = ("x2", "x3", "x4", "x2.5x3.5", "x6")
    rows = record.read(name)
    means = [sweep for sweep in SWEEPS if any(row.get(sweep) for row in rows)]
    table = [["upsampler", "seeds", "ms", *scales, *(f"sweep {sweep}, seed 0" for sweep in means)]]
    for row in rows:
        cells = [f"{float(row[s]):.2f}" + (f" ± {float(sd):.2f}" if (sd := row[f"sd {s}"]) else "") for s in scales]
        cells += [f"{float(row[sweep]):.2f}" if row[sweep] else "-" for sweep in means]
        table.append([NAMES[row["name"]], row["seeds"], f"{float(row['ms']):.0f}", *cells])
    return table


@listed
def masks() -> Table:
    """Whether the shipped models' masks are alive, and where they are."""
    fields = {"model": ("model", ""), "place": ("place", ""), "part": ("part", ""), "mean": ("mean", ".2f")}
    fields |= {"below 0.01": ("below", ".2f"), "above 0.99": ("above", ".2f")}
    return columns("masks", fields | {"rank correlation": ("rank_correlation", ".2f")})
