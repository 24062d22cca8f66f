"""`arbsr report SCORES.json ...`: several models in one table, as the paper's Tables 1, 2 and 4 have them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from arbsr_jax.cli.exit_codes import DONE
from arbsr_jax.errors import ArbsrError
from arbsr_jax.evaluation.report import write_text
from arbsr_jax.ops.geometry import Scale

HELP = "Put the JSON files of evaluate.py side by side: a row for each model, a column for each dataset and scale."
BICUBIC, MEAN = "bicubic", "mean"
Column = tuple[str, str]  # dataset, scale
Table = dict[str, dict[Column, str]]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="what evaluate.py --json wrote")
    parser.add_argument("--markdown", type=Path, metavar="OUT", help="write the table there too")


def run(flags: argparse.Namespace) -> int:
    """Print one table.

    Raises:
      ArbsrError: a file is missing or not of evaluate.py, or the files follow different protocols.
    """
    contents = [_read(path) for path in flags.files]
    protocols = sorted({content["protocol"] for content in contents})
    if len(protocols) > 1:
        raise ArbsrError(f"protocols {', '.join(protocols)} must not be compared; score all models under one")
    text = _text(_table(contents), protocols[0])
    print(text, end="")
    if flags.markdown:
        write_text(flags.markdown, text)
    return DONE


def _read(path: Path) -> dict:
    try:
        content = json.loads(path.read_text())
        return {key: content[key] for key in ("model", "protocol", "rows")} | {"averages": content.get("averages", [])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "strerror", None) or "it holds no scores"
        raise ArbsrError(f"{path}: {reason}; give files that evaluate.py --json wrote") from None


def _table(contents: list[dict]) -> Table:
    """PSNR / SSIM by model and column, bicubic first; a model's files are joined."""
    table: Table = {BICUBIC: {}}
    for content in contents:
        mine = table.setdefault(content["model"], {})
        entries = [((row["dataset"], f"x{Scale.of((row['scale_h'], row['scale_v']))}"), row) for row in content["rows"]]
        entries += [((one["dataset"], f"{MEAN} of {one['scales']}"), one) for one in content["averages"]]
        for column, scores in entries:
            mine[column] = f"{scores['psnr']:.2f} / {scores['ssim']:.4f}"
            table[BICUBIC][column] = f"{scores['bicubic_psnr']:.2f} / {scores['bicubic_ssim']:.4f}"
    return table


def _text(table: Table, protocol: str) -> str:
    columns = list(table[BICUBIC])
    lines = [["model", *(" ".join(column) for column in columns)], ["---"] * (len(columns) + 1)]
    lines += [[name, *(cells.get(column, "-") for column in columns)] for name, cells in table.items()]
    drawn = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([f"PSNR / SSIM of Y, protocol `{protocol}`.", "", *drawn, ""])
