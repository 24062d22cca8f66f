"""The tables of README.md and docs/, made of benchmarks/results/*.csv and the papers' published numbers.

    python -m benchmarks.tables [--check]

A table stands between the lines `<!-- table: NAME -->` and `<!-- end -->`; NAME is a function of `TABLES`. With
--check nothing is written, and the exit code is 1 if a document differs.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from arbsr_jax.evaluation.report import table_line
from benchmarks import measured_tables, score_tables
from benchmarks.score_tables import Table

ROOT = Path(__file__).parents[1]
PLACE = re.compile(r"(<!-- table: (\w+) -->\n)(?:.*?)(<!-- end -->)", re.DOTALL)

TABLES: dict[str, Callable[[], Table]] = {
    "front": score_tables.front,
    "baseline_scores": score_tables.baseline_scores,
    "tiny_scores": score_tables.tiny_scores,
    "field_scores": score_tables.field_scores,
    "integer": score_tables.integer,
    "large": lambda: score_tables.sweep_table("large"),
    "seen": lambda: score_tables.sweep_table("seen", score_tables.EVERY),
    "unseen": lambda: score_tables.sweep_table("unseen", score_tables.EVERY),
    "asymmetric": lambda: score_tables.sweep_table("asymmetric", rivals=True),
    "paper_means": score_tables.paper_means,
    "paper_bicubic": score_tables.paper_bicubic,
    "paper_costs": score_tables.paper_costs,
    "inference": measured_tables.inference,
    "train_step": measured_tables.train_step,
    "convolution_two_cores": lambda: measured_tables.convolution("2"),
    "convolution_one_core": lambda: measured_tables.convolution("1"),
    "thin_convolution": measured_tables.thin_convolution,
    "compiling": measured_tables.compiling,
    "step_compiling": measured_tables.step_compiling,
    "starts": measured_tables.starts,
    "cluster": measured_tables.cluster,
    "upsamplers": lambda: measured_tables.upsamplers(choices=False),
    "field_choices": lambda: measured_tables.upsamplers(choices=True),
    "field": measured_tables.field,
    "grid": measured_tables.grid,
    "restoration": measured_tables.restoration,
    "restoration_distance": measured_tables.restoration_distance,
    "flicker": measured_tables.flicker,
    "large_images": measured_tables.large_images,
    "inference_large": measured_tables.inference_large,
    "films": measured_tables.films,
    "bfloat16": measured_tables.bfloat16,
    "plans": measured_tables.plans,
    "roofline": measured_tables.roofline,
    "files": measured_tables.files,
    "onnx_files": measured_tables.onnx_files,
    "consistent": measured_tables.consistent,
    "page": measured_tables.page,
    "devices": measured_tables.devices,
    "masks": measured_tables.masks,
    "pairs": measured_tables.pairs,
    "ablation_psnr": lambda: score_tables.seeds("ablation", "PSNR"),
    "ablation_differences": lambda: score_tables.seeds("ablation", "difference, PSNR / SSIM"),
    "ablation_normalized": lambda: score_tables.seeds("ablation_normalized", "PSNR"),
    "upsampling_psnr": lambda: score_tables.seeds("upsampling", "PSNR"),
    "upsampling_seeds": lambda: score_tables.seeds("upsampling_seeds", "PSNR"),
    "taught": lambda: score_tables.seeds("taught", "PSNR"),
}


def markdown(table: Sequence[Iterable[str]]) -> str:
    """A table's lines; the first row is its head."""
    head, *rows = (list(row) for row in table)
    return "".join(f"{table_line(cells)}\n" for cells in (head, ["---"] * len(head), *rows))


def filled(text: str) -> str:
    """A document with its tables made anew.

    Raises:
      KeyError: it names a table that there is not.
    """
    return PLACE.sub(lambda place: place[1] + markdown(TABLES[place[2]]()) + place[3], text)


def main() -> int:
    """Write or check every document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a document differs")
    check, differing = parser.parse_args().check, []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        before = path.read_text()
        after = filled(before)
        if after != before:
            differing.append(path.name)
            if not check:
                path.write_text(after)
    print(f"{'differing' if check else 'written'}: {', '.join(differing) or 'none'}")
    return int(check and bool(differing))


if __name__ == "__main__":
    sys.exit(main())
