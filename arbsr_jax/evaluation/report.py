"""Rows of scores as text and JSON."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from arbsr_jax.evaluation.sweeps import Row

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


def header_line() -> str:
    """The table's column names."""
    return LAYOUT.format(*(name for name, _ in COLUMNS))


def row_line(row: Row) -> str:
    """One row of the table."""
    return LAYOUT.format(
        row.dataset,
        f"{row.scale_h:g} x {row.scale_v:g}",
        row.images,
        f"{row.bicubic_psnr:.2f}",
        f"{row.psnr:.2f}",
        f"{row.psnr - row.bicubic_psnr:+.2f}",
        f"{row.bicubic_ssim:.4f}",
        f"{row.ssim:.4f}",
        f"{row.seconds:.3f}",
    )


def write_json(path: Path, model: str, protocol: str, rows: list[Row]) -> None:
    """The rows as a JSON file: {"model", "protocol", "rows": [...]}."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"model": model, "protocol": protocol, "rows": [dataclasses.asdict(row) for row in rows]}
    path.write_text(json.dumps(content, indent=2) + "\n")
