"""Statistics of masks, of `arbsr figures masks --json`, as rows of benchmarks/results/masks.csv.

python -m benchmarks.masks MASKS.json [MASKS.json ...]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from arbsr_jax.analysis.mask_statistics import PARTS
from benchmarks.record import record

KEY = ("model", "dataset", "place", "part")


def main() -> None:
    """Read the files and record them."""
    rows = []
    for name in sys.argv[1:]:
        content = json.loads(Path(name).read_text())
        head = {"model": content["model"], "dataset": content["dataset"]}
        rows += [head | {"place": p["place"], "part": part} | p[part] for p in content["places"] for part in PARTS]
    print(f"{len(rows)} rows in {record('masks', rows, KEY)}")


if __name__ == "__main__":
    main()
