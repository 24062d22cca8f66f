"""Rows of scores as terminal table, JSON, CSV and Markdown, with the paper's numbers beside them."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import numpy as np

from arbsr_jax.checkpoint import whole_or_not_at_all
from arbsr_jax.evaluation.scales import SWEEPS
from arbsr_jax.evaluation.sweeps import AVERAGED, Row

COLUMNS = (
    ("dataset", "{:<12}"),
    ("horizontal x vertical", "{:>21}"),
    ("images", "{:>6}"),
    ("bicubic dB", "{:>10}"),
    ("ours dB", "{:>8}"),
    ("gain", "{:>6}"),
    ("bicubic SSIM", "{:>12}"),
    ("ours SSIM", "{:>9}"),
    ("s/image", "{:>8}"),
)
LAYOUT = "  ".join(layout for _, layout in COLUMNS)


@dataclasses.dataclass(frozen=True)
class Average:
    """Means over the rows of one dataset: what the paper's Table 4 gives for a sweep."""

    dataset: str
    scales: int
    psnr: float
    ssim: float
    bicubic_psnr: float
    bicubic_ssim: float
    seconds: float


def averages(rows: Iterable[Row]) -> list[Average]:
    """One for each dataset with several scales."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.dataset, []).append(row)
    return [
        Average(name, len(found), *(float(np.mean([getattr(row, field) for row in found])) for field in AVERAGED))
        for name, found in grouped.items()
        if len(found) > 1
    ]


def header_line() -> str:
    """The table's column names."""
    return LAYOUT.format(*(name for name, _ in COLUMNS))


def row_line(row: Row | Average) -> str:
    """One row of the table."""
    return LAYOUT.format(*_cells(row))


def paper_lines(sweep: str | None, protocol: str, found: Iterable[Average]) -> list[str]:
    """What the paper says of this sweep, and how far ours is from it, in words."""
    lines = []
    for average in found:
        for entry in paper():
            if (entry["sweep"], entry["dataset"]) != (sweep, average.dataset):
                continue
            psnr, ssim = average.bicubic_psnr - entry["psnr"], average.bicubic_ssim - entry["ssim"]
            differs = "" if protocol == entry["protocol"] else f" (it follows protocol {entry['protocol']})"
            lines.append(
                f"paper, {entry['table']}, {entry['dataset']} {sweep}, {entry['method']}: {entry['psnr']:.2f} dB, "
                f"SSIM {entry['ssim']:.4f}; bicubic here {psnr:+.3f} dB, {ssim:+.4f}{differs}"
            )
    return lines


def paper() -> list[dict]:
    """The paper's numbers: what of them is known, from the one file that holds them."""
    return json.loads((resources.files("arbsr_jax.evaluation") / "paper.json").read_text())


def write_json(path: Path, model: str, protocol: str, rows: list[Row]) -> None:
    """The rows as a JSON file: {"model", "protocol", "rows": [...], "averages": [...]}."""
    content = {"model": model, "protocol": protocol, "rows": [dataclasses.asdict(row) for row in rows]}
    content["averages"] = [dataclasses.asdict(average) for average in averages(rows)]
    write_text(path, json.dumps(content, indent=2) + "\n")


def write_csv(path: Path, model: str, protocol: str, rows: list[Row]) -> None:
    """The rows as a CSV file, with model and protocol in each."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["model", "protocol", *(field.name for field in dataclasses.fields(Row))])
    table.writerows([model, protocol, *dataclasses.astuple(row)] for row in rows)
    write_text(path, text.getvalue())


def write_markdown(path: Path, model: str, protocol: str, rows: list[Row]) -> None:
    """The rows and averages as a Markdown table."""
    names = [name.replace("ours", model) for name, _ in COLUMNS]
    lines = [f"{model}, protocol `{protocol}`, Y channel.", "", _line(names), _line(["---"] * len(names))]
    lines += [_line(_cells(row)) for row in [*rows, *averages(rows)]]
    write_text(path, "\n".join(lines) + "\n")


def sweep_name(scales: list) -> str | None:
    """The sweep that has just these scales."""
    return next((name for name, known in SWEEPS.items() if known == scales), None)


def _cells(row: Row | Average) -> list[str]:
    first = (
        [f"{row.scale_h:g} x {row.scale_v:g}", str(row.images)]
        if isinstance(row, Row)
        else [f"mean of {row.scales} scales", ""]
    )
    scores = f"{row.bicubic_psnr:.2f}", f"{row.psnr:.2f}", f"{row.psnr - row.bicubic_psnr:+.2f}"
    return [row.dataset, *first, *scores, f"{row.bicubic_ssim:.4f}", f"{row.ssim:.4f}", f"{row.seconds:.3f}"]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all, with the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_or_not_at_all(path) as partial:
        partial.write_text(text)
