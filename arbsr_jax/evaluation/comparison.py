"""Several models in one table, with what papers say of the same datasets and scales."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from arbsr_jax.errors import ArbsrError
from arbsr_jax.evaluation.protocols import BICUBIC
from arbsr_jax.evaluation.published import published
from arbsr_jax.evaluation.report import averages, sweep_name, table_line
from arbsr_jax.evaluation.sweep import Row
from arbsr_jax.imaging.metrics import Quality
from arbsr_jax.imaging.scale import Scale

Column = tuple[str, str]  # dataset; scale as x2, or the name of a sweep


class Comparison:
    """Scores by model and column: bicubic first, then the models in the order in which they came."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self._table: dict[str, dict[Column, Quality]] = {BICUBIC: {}}

    def add(self, model: str, rows: Sequence[Row]) -> None:
        """Rows of a model and averages over them; what it has in a column already is replaced."""
        mine = self._table.setdefault(model, {})
        for dataset in dict.fromkeys(row.dataset for row in rows):
            group = [row for row in rows if row.dataset == dataset]
            scales = [Scale.of((row.scale_h, row.scale_v)) for row in group]
            columns = [f"x{scale}" for scale in scales] + [sweep_name(scales) or f"mean of {len(scales)}"]
            for column, one in zip(columns, [*group, *averages(group)], strict=False):
                mine[dataset, column] = one.scores.ours
                self._table[BICUBIC][dataset, column] = one.scores.bicubic

    def markdown(self, against: str | None = None) -> str:
        """The table; below it papers' numbers, how far ours are from them, and how far each model is from one of them.

        Args:
          against: a row of the table that all models are compared with, ours or a paper's.

        Raises:
          ArbsrError: there is no such row.
        """
        columns = list(self._table[BICUBIC])
        theirs: dict[str, dict[Column, Quality]] = {}
        for entry in published(self.protocol):
            if (entry.dataset, entry.column) in columns:
                row = theirs.setdefault(f"{entry.method} ({entry.source})", {})
                row[entry.dataset, entry.column] = entry.quality
        rows = self._table | theirs
        if against is not None and against not in rows:
            raise ArbsrError(f"no row {against!r} to compare with; there are: {', '.join(rows)}")
        pairs = [(BICUBIC, name) for name in theirs if name.startswith(BICUBIC)]
        pairs += [(model, against) for model in self._table if against not in (None, model)]
        shown = {name: [_words(scores.get(c)) for c in columns] for name, scores in rows.items()}
        for name, other in pairs:
            both = [(rows[name].get(c), rows[other].get(c)) for c in columns]
            shown[f"{name} - {other}"] = [_difference(*pair) for pair in both]
        return "\n".join([f"PSNR / SSIM of Y, protocol `{self.protocol}`.", "", *_lines(columns, shown), ""])


def _words(quality: Quality | None) -> str:
    return "-" if quality is None else f"{quality.psnr:.2f} / {_ssim(quality.ssim)}"


def _difference(one: Quality | None, other: Quality | None) -> str:
    if one is None or other is None:
        return "-"
    return f"{one.psnr - other.psnr:+.2f} / {_ssim(one.ssim - other.ssim, '+')}"


def _ssim(value: float, sign: str = "") -> str:
    return "-" if math.isnan(value) else f"{value:{sign}.4f}"


def _lines(columns: Iterable[Column], shown: dict[str, list[str]]) -> list[str]:
    header = ["model", *(" ".join(column) for column in columns)]
    return [table_line(cells) for cells in (header, ["---"] * len(header), *([n, *c] for n, c in shown.items()))]
