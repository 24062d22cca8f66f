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

import numpy as np

from arbsr_jax.evaluation.published import published, published_costs
from arbsr_jax.evaluation.report import table_line
from arbsr_jax.evaluation.sweep import SWEEPS
from arbsr_jax.imaging.scale import Scale
from benchmarks import record

ROOT = Path(__file__).parents[1]
PLACE = re.compile(r"(<!-- table: (\w+) -->\n)(?:.*?)(<!-- end -->)", re.DOTALL)
CHOSEN = ["1.5", "2", "2.5", "3", "3.5", "4", "2.5x3.5", "4x1.5", "1.5x4"]
BEYOND = ["6", "8"]
EVERY = 4  # of the thirty scales of a sweep, the ones that are shown
MODELS = ("arbedsr-tiny", "arbedsr-baseline")
RIVALS = {"LIIF": "liif", "DAT-light x4, resized": "dat-light-x4, resized after"}  # heading: name in the scores
PAPER = "ArbSR, Table 2"

Table = list[list[str]]


class Scores:
    """benchmarks/results/scores.csv by model, protocol, dataset and scale."""

    def __init__(self) -> None:
        self._rows = {}
        for row in record.read("scores"):
            scale = Scale.of((float(row["scale_h"]), float(row["scale_v"])))
            self._rows[row["model"], row["protocol"], row["dataset"], scale] = row

    def find(self, model: str, scale: Scale, score: str, dataset: str = "Set5", protocol: str = "standard") -> float:
        """A score; bicubic's stands in every model's row. nan if it was not measured."""
        if model == "bicubic":
            same = (k for k in self._rows if k[1:] == (protocol, dataset, scale))
            model, score = next(same, (model,))[0], f"bicubic_{score}" if model == "bicubic" else score
        row = self._rows.get((model, protocol, dataset, scale), {})
        return float(row.get(score) or "nan")

    def mean(self, model: str, sweep: str, score: str, dataset: str = "Set5", protocol: str = "standard") -> float:
        """The mean over a sweep."""
        return float(np.mean([self.find(model, scale, score, dataset, protocol) for scale in SWEEPS[sweep]]))


def shown(value: float, places: int, sign: str = "") -> str:
    """A number, or - if there is none."""
    return "-" if np.isnan(value) else f"{value:{sign}.{places}f}"


def both(scores: Scores, model: str, scale: Scale, dataset: str = "Set5") -> str:
    """PSNR and SSIM."""
    psnr, ssim = (scores.find(model, scale, score, dataset) for score in ("psnr", "ssim"))
    return f"{shown(psnr, 2)} / {shown(ssim, 4)}"


def of_paper(method: str, dataset: str, column: str) -> str:
    """A number of the paper's Table 2."""
    found = [e for e in published() if (e.source, e.method, e.dataset, e.column) == (PAPER, method, dataset, column)]
    return f"{found[0].psnr:.2f}" if found else "-"


def front() -> Table:
    """README: the shipped models beside bicubic interpolation, LIIF, the plain rival and the paper."""
    scores, table = Scores(), [["dataset, scale", "bicubic", *MODELS, *RIVALS, "ArbEDSR, paper"]]
    for dataset, scales in (("Set5", ["1.5", "2", "3", "4", "2.5x3.5", "4x1.5"]), ("B100", ["2", "3", "4"])):
        for text in scales:
            values = [scores.find(m, Scale.of(text), "psnr", dataset) for m in ("bicubic", *MODELS, *RIVALS.values())]
            table.append([f"{dataset}, {text}", *(shown(v, 2) for v in values)])
            table[-1].append(of_paper("ArbEDSR", dataset, f"x{text}"))
    return table


def baseline_scores() -> Table:
    """arbedsr-baseline beside LIIF and the plain rival."""
    scores, table = (
        Scores(),
        [["scale", "bicubic", "arbedsr-baseline", *RIVALS, *(f"ours - {name}" for name in RIVALS)]],
    )
    for text in CHOSEN + BEYOND:
        methods = ("bicubic", "arbedsr-baseline", *RIVALS.values())
        bicubic, ours, *theirs = (scores.find(m, Scale.of(text), "psnr") for m in methods)
        differences = [shown(ours - one, 2, "+") for one in theirs]
        table.append([text, *(shown(v, 2) for v in (bicubic, ours, *theirs)), *differences])
    return table


def tiny_scores() -> Table:
    """arbedsr-tiny beside bicubic interpolation."""
    scores, table = Scores(), [["scale", "bicubic", "arbedsr-tiny", "gain", "SSIM, bicubic", "SSIM, arbedsr-tiny"]]
    for text in CHOSEN + BEYOND:
        psnr = [scores.find(m, Scale.of(text), "psnr") for m in ("bicubic", "arbedsr-tiny")]
        ssim = [scores.find(m, Scale.of(text), "ssim") for m in ("bicubic", "arbedsr-tiny")]
        gain = shown(psnr[1] - psnr[0], 2, "+")
        table.append([text, *(shown(v, 2) for v in psnr), gain, *(shown(v, 4) for v in ssim)])
    return table


def integer() -> Table:
    """Integer scales, with the paper's Table 2 beside ours."""
    methods = ["EDSR", "RCAN", "Meta-RDN", "ArbEDSR", "ArbRCAN"]
    scores, table = Scores(), [["dataset, scale", "bicubic", *MODELS, *RIVALS, *(f"{m}, paper" for m in methods)]]
    for dataset in ("Set5", "B100"):
        for scale in SWEEPS["integer"]:
            ours = [both(scores, model, scale, dataset) for model in ("bicubic", *MODELS, *RIVALS.values())]
            table.append([f"{dataset}, {scale}", *ours, *(of_paper(m, dataset, f"x{scale}") for m in methods)])
    return table


def sweep_table(name: str, every: int = 1, rivals: bool = False) -> Table:
    """The scales of a sweep on Set5, and their means."""
    beside = RIVALS if rivals else {}
    scores, table, methods = Scores(), [["scale", "bicubic", *MODELS, *beside]], ("bicubic", *MODELS, *beside.values())
    for scale in SWEEPS[name][::every]:
        table.append([str(scale), *(both(scores, model, scale) for model in methods)])
    means = [(scores.mean(m, name, "psnr"), scores.mean(m, name, "ssim")) for m in methods]
    return [*table, [f"mean of {len(SWEEPS[name])}", *(f"{shown(p, 2)} / {shown(s, 4)}" for p, s in means)]]


def paper_means() -> Table:
    """Means over sweeps of Set5: the paper's Table 1 and Fig. 7 beside ours, whose networks are far smaller."""
    scores, table = Scores(), [["sweep", "paper: row", "paper: PSNR", "source", "bicubic", *MODELS]]
    for entry in published("arbsr"):
        if entry.dataset == "Set5":
            ours = [scores.mean(m, entry.column, "psnr", protocol="arbsr") for m in ("bicubic", *MODELS)]
            cells = [entry.column, entry.method, f"{entry.psnr:.2f}", entry.source]
            table.append([*cells, *(shown(v, 2) for v in ours)])
    return table


def paper_bicubic() -> Table:
    """Bicubic means over B100 by protocol, beside the paper's Table 4."""
    scores, sweeps = Scores(), ("seen", "unseen")
    table = [["protocol", *(f"{sweep}, {score}" for sweep in sweeps for score in ("PSNR", "SSIM"))]]
    paper = {e.column: e.quality for e in published() if e.source == "ArbSR, Table 4" and e.method == "bicubic"}
    table.append(["paper", *(shown(v, p) for s in sweeps for v, p in ((paper[s].psnr, 2), (paper[s].ssim, 4)))])
    for protocol in ("arbsr", "standard", "metasr"):
        cells = [protocol]
        for sweep in sweeps:
            for score, places in (("psnr", 3), ("ssim", 4)):
                cells.append(shown(scores.mean("bicubic", sweep, score, "B100", protocol), places))
        table.append(cells)
    return table


def paper_costs() -> Table:
    """Parameters, memory and time of the paper's Table 3."""
    rows = [[c.method, f"{c.parameters_m:.1f}", f"{c.memory_gb:.1f}", f"{c.seconds:.2f}"] for c in published_costs()]
    return [["network", "parameters, M", "memory, GB", "s"], *rows]


def columns(name: str, fields: dict[str, tuple[str, str]], **chosen: str) -> Table:
    """A CSV file's rows with some of its columns.

    Args:
      name: of the file.
      fields: heading -> (column of the file, format of its numbers; empty for text).
      chosen: values that rows must have.
    """
    table = [list(fields)]
    for row in record.read(name):
        if all(row.get(field) == value for field, value in chosen.items()):
            cells = [(row.get(field, ""), layout) for field, layout in fields.values()]
            table.append([format(float(v), layout) if v and layout else v or "-" for v, layout in cells])
    return table


def inference() -> Table:
    """Upscaling one image."""
    number = {"ms": "ms", "new scale ms": "new_scale_ms", "MiB": "peak_mb", "fixed ms": "fixed_ms"}
    number |= {"fixed MiB": "fixed_peak_mb", "PyTorch ms": "torch_ms"}
    ratio = {"to fixed": "ratio_to_fixed", "to PyTorch": "ratio_to_torch", "to x4 or x2.37": "ratio_to_beside"}
    fields = {"model": ("model", ""), "scale": ("scale", "")} | {k: (v, ",.0f") for k, v in number.items()}
    return columns("inference", fields | {k: (v, ".2f") for k, v in ratio.items()}, size="100x100")


def train_step() -> Table:
    """A training step."""
    fields = {"model": ("model", ""), "scale": ("scale", ""), "CPU devices": ("devices", "")}
    fields |= {"ours, ms": ("ms", ",.0f"), "PyTorch, ms": ("torch_ms", ",.0f"), "ratio": ("ratio_to_torch", ".2f")}
    return columns("train_step", fields)


def convolution(cores: str) -> Table:
    """3x3 convs by implementation."""
    names = ["blocks", "at once", "XLA", "gradient, blocks", "gradient, at once", "PyTorch"]
    ratios = ["blocks to at once", "gradient, blocks to at once"]
    fields = {"images": ("images", "")} | {n: (n, ".1f") for n in names} | {n: (n, ".2f") for n in ratios}
    return columns("convolution", fields, cores=cores)


def thin_convolution() -> Table:
    """What is too thin for Winograd, and sums."""
    fields = {"layer": ("layer", ""), "implementation": ("implementation", ""), "cores": ("cores", "")}
    return columns("thin_convolution", fields | {"ms": ("ms", ".2f")})


def compiling() -> Table:
    """Seconds before the first image."""
    fields = {"model": ("model", ""), "programs": ("programs", "")}
    seconds = {"fresh parameters, s": "fresh_s", "compiled in, s": "compiled_s"}
    seconds |= {"later: fresh parameters, s": "later_fresh_s", "found in, s": "found_s"}
    return columns("compiling", fields | {k: (v, ".1f") for k, v in seconds.items()})


def large_images() -> Table:
    """Time and memory against size."""
    fields = {"LR": ("lr", ""), "HR": ("hr", ""), "Mpx": ("megapixels", ".1f"), "s": ("seconds", ".1f")}
    fields |= {"s/Mpx": ("seconds_per_megapixel", ".2f"), "peak MiB": ("peak_mb", ".0f")}
    fields |= {"grew by MiB": ("grew_mb", ".0f"), "HR MiB": ("result_mb", ".0f"), "programs": ("programs", "")}
    return columns("large_images", fields)


def files() -> Table:
    """Reading and writing, beside the version before."""
    fields = {"file": ("file", ""), "": ("what", "")}
    return columns("files", fields | {"s": ("here_s", ".2f"), "version before, s": ("there_s", ".2f")})


def masks() -> Table:
    """Whether the shipped models' masks are alive, and where they are."""
    fields = {"model": ("model", ""), "place": ("place", ""), "part": ("part", ""), "mean": ("mean", ".2f")}
    fields |= {"below 0.01": ("below", ".2f"), "above 0.99": ("above", ".2f")}
    return columns("masks", fields | {"rank correlation": ("rank_correlation", ".2f")})


def pairs() -> Table:
    """Training pairs a second."""
    return columns(
        "data_pipeline", {"patches": ("patches", ""), "batch": ("batch", ""), "pairs/s": ("pairs_per_second", ",.0f")}
    )


def ablation(kind: str) -> Table:
    """Means and standard deviations over seeds, or of paired differences."""
    rows = [row for row in record.read("ablation") if row["kind"] == kind]
    names = list(dict.fromkeys(row["method"] for row in rows))
    table = [["scale", *names]]
    for scale in dict.fromkeys(row["scale"] for row in rows):
        mine = {row["method"]: row["value"] for row in rows if row["scale"] == scale}
        table.append([scale, *(mine.get(name) or "-" for name in names)])
    return table


TABLES: dict[str, Callable[[], Table]] = {
    "front": front,
    "baseline_scores": baseline_scores,
    "tiny_scores": tiny_scores,
    "integer": integer,
    "large": lambda: sweep_table("large"),
    "seen": lambda: sweep_table("seen", EVERY),
    "unseen": lambda: sweep_table("unseen", EVERY),
    "asymmetric": lambda: sweep_table("asymmetric", rivals=True),
    "paper_means": paper_means,
    "paper_bicubic": paper_bicubic,
    "paper_costs": paper_costs,
    "inference": inference,
    "train_step": train_step,
    "convolution_two_cores": lambda: convolution("2"),
    "convolution_one_core": lambda: convolution("1"),
    "thin_convolution": thin_convolution,
    "compiling": compiling,
    "large_images": large_images,
    "files": files,
    "masks": masks,
    "pairs": pairs,
    "ablation_psnr": lambda: ablation("PSNR"),
    "ablation_differences": lambda: ablation("difference, PSNR / SSIM"),
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
