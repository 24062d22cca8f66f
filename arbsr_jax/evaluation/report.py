"""Rows of scores as terminal table, JSON, CSV and Markdown, with the paper's numbers beside them."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from arbsr_jax.evaluation.candidates import BICUBIC
from arbsr_jax.evaluation.published import published
from arbsr_jax.evaluation.scales import SWEEPS
from arbsr_jax.evaluation.sweeps import AVERAGED, PERCEPTUAL, Row
from arbsr_jax.files import whole_or_not_at_all

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
    ("bicubic LPIPS", "{:>13}"),
    ("ours LPIPS", "{:>10}"),
)
WITHOUT_LPIPS = len(COLUMNS) - len(PERCEPTUAL)


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
    lpips: float | None = None
    bicubic_lpips: float | None = None


def averages(rows: Iterable[Row]) -> list[Average]:
    """One for each dataset with several scales."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.dataset, []).append(row)
    return [
        Average(name, len(found), *(_mean(found, field) for field in AVERAGED + PERCEPTUAL))
        for name, found in grouped.items()
        if len(found) > 1
    ]


def _mean(rows: list[Row], field: str) -> float | None:
    values = [getattr(row, field) for row in rows]
    return None if None in values else float(np.mean(values))


def header_line(*, lpips: bool = False) -> str:
    """The table's column names."""
    return _laid_out([name for name, _ in COLUMNS[: None if lpips else WITHOUT_LPIPS]])


def row_line(row: Row | Average) -> str:
    """One row of the table."""
    return _laid_out(_cells(row))


def _laid_out(cells: list[str]) -> str:
    return "  ".join(layout.format(cell) for cell, (_, layout) in zip(cells, COLUMNS, strict=False))


def paper_lines(sweep: str | None, protocol: str, found: Iterable[Average]) -> list[str]:
    """What papers say of bicubic interpolation in this sweep, and how far ours is from it, in words."""
    lines = []
    for average in found:
        for entry in published():
            if (entry.column, entry.dataset, entry.method) != (sweep, average.dataset, BICUBIC):
                continue
            psnr, ssim = average.bicubic_psnr - entry.psnr, average.bicubic_ssim - entry.ssim
            differs = "" if protocol == entry.protocol else f" (it follows protocol {entry.protocol})"
            lines.append(
                f"{entry.source}, {entry.dataset} {sweep}, {entry.method}: {entry.psnr:.2f} dB, "
                f"SSIM {entry.ssim:.4f}; bicubic here {psnr:+.3f} dB, {ssim:+.4f}{differs}"
            )
    return lines


def write_json(path: Path, model: str, protocol: str, rows: list[Row]) -> None:
    """The rows as a JSON file: {"model", "protocol", "rows": [...], "averages": [...]}."""
    content = {"model": model, "protocol": protocol, "rows": [_measured(row) for row in rows]}
    content["averages"] = [_measured(average) for average in averages(rows)]
    write_text(path, json.dumps(content, indent=2) + "\n")


def write_csv(path: Path, model: str, protocol: str, rows: list[Row]) -> None:
    """The rows as a CSV file, with model and protocol in each."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["model", "protocol", *_measured(rows[0])])
    table.writerows([model, protocol, *_measured(row).values()] for row in rows)
    write_text(path, text.getvalue())


def write_markdown(path: Path, model: str, protocol: str, rows: list[Row]) -> None:
    """The rows and averages as a Markdown table."""
    kept = COLUMNS if rows and rows[0].lpips is not None else COLUMNS[:WITHOUT_LPIPS]
    names = [name.replace("ours", model) for name, _ in kept]
    lines = [f"{model}, protocol `{protocol}`, Y channel.", "", table_line(names), table_line(["---"] * len(names))]
    lines += [table_line(_cells(row)) for row in [*rows, *averages(rows)]]
    write_text(path, "\n".join(lines) + "\n")


def sweep_name(scales: list) -> str | None:
    """The sweep that has just these scales."""
    return next((name for name, known in SWEEPS.items() if known == scales), None)


def _measured(row: Row | Average) -> dict[str, str | float]:
    """Its fields, without scores that were not asked for."""
    return {name: value for name, value in dataclasses.asdict(row).items() if value is not None}


def _cells(row: Row | Average) -> list[str]:
    first = (
        [f"{row.scale_h:g} x {row.scale_v:g}", str(row.images)]
        if isinstance(row, Row)
        else [f"mean of {row.scales} scales", ""]
    )
    scores = f"{row.bicubic_psnr:.2f}", f"{row.psnr:.2f}", f"{row.psnr - row.bicubic_psnr:+.2f}"
    cells = [row.dataset, *first, *scores, f"{row.bicubic_ssim:.4f}", f"{row.ssim:.4f}", f"{row.seconds:.3f}"]
    return cells if row.lpips is None else [*cells, f"{row.bicubic_lpips:.4f}", f"{row.lpips:.4f}"]


def table_line(cells: Iterable[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all, with the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_or_not_at_all(path) as partial:
        partial.write_text(text)
