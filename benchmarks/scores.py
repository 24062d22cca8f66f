"""Scores of `evaluate.py --json` as rows of benchmarks/results/scores.csv.

    python -m benchmarks.scores SCORES.json [SCORES.json ...]

recipes/results.sh makes all files that the documents show.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.record import record

KEY = ("model", "protocol", "dataset", "scale_h", "scale_v")
LEFT_OUT = ("seconds",)  # of whatever else the machine did meanwhile


def main() -> None:
    """Read the files and record them."""
    rows = []
    for name in sys.argv[1:]:
        content = json.loads(Path(name).read_text())
        head = {"model": content["model"], "protocol": content["protocol"]}
        rows += [head | {k: v for k, v in row.items() if k not in LEFT_OUT} for row in content["rows"]]
    print(f"{len(rows)} rows in {record('scores', rows, KEY)}")


if __name__ == "__main__":
    main()
