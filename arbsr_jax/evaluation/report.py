"""Rows of scores as terminal table, JSON, CSV and Markdown, with the paper's numbers beside them."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable
from pathlib import Path

from arbsr_jax.evaluation.protocols import BICUBIC, SWEEPS
from arbsr_jax.evaluation.published import published
from arbsr_jax.evaluation.scores import Scores
from arbsr_jax.evaluation.sweep import Row
from arbsr_jax.files import json_text, write_text

DATASET_WIDTH, GAIN_WIDTH, SECONDS_WIDTH = 12, 6, 8  # letters of columns whose cells may be wider than their names


@dataclasses.dataclass(frozen=True)
class Average:
    """Mean scores over the scales of one dataset, as the paper's Table 4 has them for a sweep."""

    dataset: str
    scales: int
    scores: Scores

    @property
    def fields(self) -> dict[str, str | float]:
        """As files hold them."""
        return {"dataset": self.dataset, "scales": self.scales, **self.scores.fields}


def averages(rows: Iterable[Row]) -> list[Average]:
    """One for each dataset with several scales."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.dataset, []).append(row)
    return [
        Average(name, len(group), Scores.mean([row.scores for row in group]))
        for name, group in grouped.items()
        if len(group) > 1
    ]


class ScoreTable:
    """Lines of a table for a terminal."""

    def __init__(self, model: str, *, lpips: bool = False) -> None:
        """For a model's scores."""
        self._columns = [*_columns(model, lpips=lpips)]

    @property
    def header(self) -> str:
        """The names of the columns."""
        return self._line(self._columns)

    def row(self, row: Row | Average) -> str:
        """One row."""
        return self._line(_cells(row))

    def _line(self, cells: list[str]) -> str:
        wide = {"dataset": DATASET_WIDTH, "gain": GAIN_WIDTH, "s/image": SECONDS_WIDTH}
        widths = [wide.get(name, len(name)) for name in self._columns]
        first, *others = (cell.rjust(width) for cell, width in zip(cells, widths, strict=False))
        return "  ".join([first.strip().ljust(DATASET_WIDTH), *others])


def _columns(model: str, *, lpips: bool) -> list[str]:
    names = ["dataset", "horizontal x vertical", "images", "bicubic dB", f"{model} dB", "gain"]
    names += ["bicubic SSIM", f"{model} SSIM", "s/image"]
    return [*names, "bicubic LPIPS", f"{model} LPIPS"] if lpips else names


def paper_lines(sweep: str | None, protocol: str, means: Iterable[Average]) -> list[str]:
    """Papers' numbers of bicubic interpolation in this sweep, and how far our bicubic is from them, in words."""
    lines = []
    for average in means:
        for entry in published():
            if (entry.column, entry.dataset, entry.method) != (sweep, average.dataset, BICUBIC):
                continue
            bicubic = average.scores.bicubic
            psnr, ssim = bicubic.psnr - entry.quality.psnr, bicubic.ssim - entry.quality.ssim
            differs = "" if protocol == entry.protocol else f" (it follows protocol {entry.protocol})"
            lines.append(
                f"{entry.source}, {entry.dataset} {sweep}, {entry.method}: {entry.psnr:.2f} dB, "
                f"SSIM {entry.quality.ssim:.4f}; bicubic here {psnr:+.3f} dB, {ssim:+.4f}{differs}"
            )
    return lines


def write_json(path: Path, model: str, protocol: str, rows: list[Row]) -> None:
    """The rows as a JSON file: {"model", "protocol", "rows": [...], "averages": [...]}."""
    content = {"model": model, "protocol": protocol, "rows": [row.fields for row in rows]}
    content["averages"] = [average.fields for average in averages(rows)]
    write_text(path, json_text(content, indent=2) + "\n")


def write_csv(path: Path, model: str, protocol: str, rows: list[Row]) -> None:
    """The rows as a CSV file, with model and protocol in each."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["model", "protocol", *rows[0].fields])
    table.writerows([model, protocol, *row.fields.values()] for row in rows)
    write_text(path, text.getvalue())


def write_markdown(path: Path, model: str, protocol: str, rows: list[Row]) -> None:
    """The rows and averages as a Markdown table."""
    names = _columns(model, lpips=bool(rows) and rows[0].scores.ours.lpips is not None)
    lines = [f"{model}, protocol `{protocol}`, Y channel.", "", table_line(names), table_line(["---"] * len(names))]
    lines += [table_line(_cells(row)) for row in [*rows, *averages(rows)]]
    write_text(path, "\n".join(lines) + "\n")


def sweep_name(scales: list) -> str | None:
    """The sweep that has just these scales."""
    return next((name for name, sweep in SWEEPS.items() if sweep == scales), None)


def _cells(row: Row | Average) -> list[str]:
    first = (
        [f"{row.scale_h:g} x {row.scale_v:g}", f"{row.images}{f'+{row.exact}' if row.exact else ''}"]
        if isinstance(row, Row)
        else [f"mean of {row.scales} scales", ""]
    )
    ours, bicubic, seconds = row.scores
    psnr = f"{bicubic.psnr:.2f}", f"{ours.psnr:.2f}", f"{ours.psnr - bicubic.psnr:+.2f}"
    cells = [row.dataset, *first, *psnr, f"{bicubic.ssim:.4f}", f"{ours.ssim:.4f}", f"{seconds:.3f}"]
    return cells if ours.lpips is None else [*cells, f"{bicubic.lpips:.4f}", f"{ours.lpips:.4f}"]


def table_line(cells: Iterable[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"
