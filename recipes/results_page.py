"""Tables of `arbsr report` under headings, a row for each scale: what stands in docs/results.md below its first words.

python recipes/results_page.py TABLES >> docs/results.md

TABLES is what results.sh made.
"""

from __future__ import annotations

import sys
from pathlib import Path

from arbsr_jax.evaluation.report import table_line

TITLES = {
    "integer": "Integer scales (`--sweep integer`; the paper's Table 2)",
    "chosen": "Chosen scales",
    "large": "Beyond training (`--sweep large`)",
    "seen": "Seen scales, 1.1 to 4.0 (`--sweep seen`), every fourth and the average",
    "unseen": "Unseen scales, 1.05 to 3.95 (`--sweep unseen`), every fourth and the average",
    "asymmetric": "Asymmetric scales (`--sweep asymmetric`, horizontal x vertical)",
}
THINNED, KEPT = ("seen", "unseen"), 4


def turned(table: str) -> list[list[str]]:
    """Cells of a Markdown table with rows and columns exchanged."""
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    return [list(column) for column in zip(*(line for line in lines if line[0] != "---"), strict=True)]


def main() -> None:
    """Print all tables of a folder."""
    for name, title in TITLES.items():
        head, *rows = turned((Path(sys.argv[1]) / f"{name}.md").read_text())
        rows = [*rows[:-1:KEPT], rows[-1]] if name in THINNED else rows
        print(f"\n## {title}\n")
        for cells in (["scale", *head[1:]], ["---"] * len(head), *rows):
            print(table_line(cells))


if __name__ == "__main__":
    main()
