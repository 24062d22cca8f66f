"""Measurements as CSV files in benchmarks/results, from which `benchmarks.tables` makes all tables of the documents."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from arbsr_jax.files import atomic_write

FOLDER = Path(__file__).parent / "results"
Value = str | float | int | None


def machine() -> str:
    """The processor and the cores that this process may use."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{names[0] if names else platform.processor() or platform.machine()}, {cores} cores"


def read(name: str) -> list[dict[str, str]]:
    """The rows of a file; empty cells are values that were not measured."""
    path = FOLDER / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def record(name: str, rows: Iterable[Mapping[str, Value]], key: Sequence[str]) -> Path:
    """Add rows to a file; a row that has the same values of `key` is replaced in its place. Returns the path."""
    table = {tuple(row[field] for field in key): row for row in read(name)}
    for row in rows:
        cells = {field: _cell(value) for field, value in row.items()}
        table[tuple(cells[field] for field in key)] = cells
    fields = list(dict.fromkeys(field for row in table.values() for field in row))
    path = FOLDER / f"{name}.csv"
    path.parent.mkdir(exist_ok=True)
    with atomic_write(path) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table.values())
    return path


def _cell(value: Value) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
