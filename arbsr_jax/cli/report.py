"""`arbsr report SCORES.json ...`: several models in one table, as the paper's Tables 1, 2 and 4 have them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from arbsr_jax.cli.conventions import DONE
from arbsr_jax.errors import ArbsrError
from arbsr_jax.files import write_text

if TYPE_CHECKING:
    from arbsr_jax.evaluation.sweep import Row


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="what evaluate.py --json wrote")
    parser.add_argument("--against", metavar="ROW", help="also how far each model is from this row of the table")
    parser.add_argument("--markdown", type=Path, metavar="OUT", help="write the table there too")


def run(flags: argparse.Namespace) -> int:
    """Print one table.

    Raises:
      ArbsrError: a file is missing or not of evaluate.py, the files follow different protocols, or a row is missing.
    """
    from arbsr_jax.evaluation.comparison import Comparison

    contents = [_read(path) for path in flags.files]
    protocols = sorted({protocol for _, protocol, _ in contents})
    if len(protocols) > 1:
        raise ArbsrError(f"protocols {', '.join(protocols)} must not be compared; score all models under one")
    comparison = Comparison(protocols[0])
    for model, _, rows in contents:
        comparison.add(model, rows)
    text = comparison.markdown(flags.against)
    print(text, end="")
    if flags.markdown:
        write_text(flags.markdown, text)
    return DONE


def _read(path: Path) -> tuple[str, str, list[Row]]:
    from arbsr_jax.evaluation.sweep import Row

    try:
        content = json.loads(path.read_text())
        return content["model"], content["protocol"], [Row.of_fields(row) for row in content["rows"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "strerror", None) or "it holds no scores"
        raise ArbsrError(f"{path}: {reason}; give files that evaluate.py --json wrote") from None
