"""The tables of README.md and docs/, made of benchmarks/results/*.csv and the papers' published numbers.

    python -m benchmarks.tables [--check]

A table stands between the lines `<!-- table: NAME -->` and `<!-- end -->`; NAME is one of `TABLES`. Long tables stand
there in part, and whole in benchmarks/results/NAME.md. With --check nothing is written, and the exit code is 1 if a
file differs.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from arbsr_jax.evaluation.report import table_line
from benchmarks import measured_tables, score_tables, training_tables  # noqa: F401 (importing lists their tables)
from benchmarks.table_list import TABLES

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PLACE = re.compile(r"(<!-- table: (\w+) -->\n)(?:.*?)(<!-- end -->)", re.DOTALL)

MOST_ROWS = 14  # in a document; longer tables are whole in a file of their own


def markdown(table: Sequence[Iterable[str]]) -> str:
    """A table's lines; the first row is its head."""
    head, *rows = (list(row) for row in table)
    return "".join(f"{table_line(cells)}\n" for cells in (head, ["---"] * len(head), *rows))


def excerpt(name: str, folder: str) -> str:
    """A table for a document; of a long one rows at equal distances, and a link to all of them."""
    head, *rows = TABLES[name]()
    if len(rows) <= MOST_ROWS:
        return markdown([head, *rows])
    chosen = [rows[round(at * (len(rows) - 1) / (MOST_ROWS - 1))] for at in range(MOST_ROWS)]
    return f"{markdown([head, *chosen])}\n[All {len(rows)} rows]({folder}benchmarks/results/{name}.md).\n"


def filled(text: str, folder: str = "") -> str:
    """A document with its tables made again; `folder` leads from it to the repository's root.

    Raises:
      KeyError: it names a table that there is not.
    """
    return PLACE.sub(lambda place: place[1] + excerpt(place[2], folder) + place[3], text)


def documents() -> dict[Path, str]:
    """What all files with tables should hold."""
    contents = {ROOT / "README.md": filled((ROOT / "README.md").read_text())}
    contents |= {path: filled(path.read_text(), "../") for path in sorted((ROOT / "docs").glob("*.md"))}
    for name, make in TABLES.items():
        rows = make()
        if len(rows) - 1 > MOST_ROWS:
            title = (make.__doc__ or "").splitlines()[0]
            contents[RESULTS / f"{name}.md"] = f"# {name}\n\n{title}\n\n{markdown(rows)}"
    return contents


def main() -> int:
    """Write or check every document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a document differs")
    check, contents, differing = parser.parse_args().check, documents(), []
    for path, text in contents.items():
        if not path.exists() or path.read_text() != text:
            differing.append(path.name)
            if not check:
                path.write_text(text)
    for path in set(RESULTS.glob("*.md")) - contents.keys():
        differing.append(path.name)
        if not check:
            path.unlink()
    print(f"{'differing' if check else 'written'}: {', '.join(differing) or 'none'}")
    return int(check and bool(differing))


if __name__ == "__main__":
    sys.exit(main())
