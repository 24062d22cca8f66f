"""Tables of scores: the shipped models beside bicubic interpolation, other networks and papers' numbers."""

from __future__ import annotations

import numpy as np

from arbsr_jax.evaluation.protocols import SWEEPS
from arbsr_jax.evaluation.published import published, published_costs
from arbsr_jax.imaging.scale import Scale
from benchmarks import record
from benchmarks.table_list import Table, listed

CHOSEN = ["1.5", "2", "2.5", "3", "3.5", "4", "2.5x3.5", "4x1.5", "1.5x4"]
BEYOND = ["6", "8"]
EVERY = 4  # of the thirty scales of a sweep, the ones that are shown
MODELS = ("arbedsr-tiny", "arbedsr-baseline")
FIELDS = {"arbedsr-tiny": "arbedsr-field-tiny", "arbedsr-baseline": "arbedsr-field"}  # the same backbones
RIVALS = {"LIIF": "liif", "DAT-light x4, resized": "dat-light-x4, resized after"}  # heading: name in the scores
PAPER = "ArbSR, Table 2"


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


@listed
def front() -> Table:
    """README: the shipped models beside bicubic interpolation, LIIF, the plain rival and the paper."""
    scores, table = Scores(), [["dataset, scale", "bicubic", *MODELS, *RIVALS, "ArbEDSR, paper"]]
    for dataset, scales in (("Set5", ["1.5", "2", "3", "4", "2.5x3.5", "4x1.5"]), ("B100", ["2", "3", "4"])):
        for text in scales:
            values = [scores.find(m, Scale.of(text), "psnr", dataset) for m in ("bicubic", *MODELS, *RIVALS.values())]
            table.append([f"{dataset}, {text}", *(shown(v, 2) for v in values)])
            table[-1].append(of_paper("ArbEDSR", dataset, f"x{text}"))
    return table


@listed
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


@listed
def field_scores() -> Table:
    """Networks with field upsampling, beside the paper's upsampling of the same backbones, and LIIF."""
    names = ["bicubic", *(model for paper in MODELS for model in (paper, FIELDS[paper])), "LIIF"]
    scores, table = Scores(), [["dataset, scale", *names]]
    for dataset, scales in (("Set5", CHOSEN + BEYOND), ("B100", ["2", "3", "4"])):
        for text in scales:
            values = [scores.find(RIVALS.get(name, name), Scale.of(text), "psnr", dataset) for name in names]
            table.append([f"{dataset}, {text}", *(shown(v, 2) for v in values)])
    return table


@listed
def tiny_scores() -> Table:
    """arbedsr-tiny beside bicubic interpolation."""
    scores, table = Scores(), [["scale", "bicubic", "arbedsr-tiny", "gain", "SSIM, bicubic", "SSIM, arbedsr-tiny"]]
    for text in CHOSEN + BEYOND:
        psnr = [scores.find(m, Scale.of(text), "psnr") for m in ("bicubic", "arbedsr-tiny")]
        ssim = [scores.find(m, Scale.of(text), "ssim") for m in ("bicubic", "arbedsr-tiny")]
        gain = shown(psnr[1] - psnr[0], 2, "+")
        table.append([text, *(shown(v, 2) for v in psnr), gain, *(shown(v, 4) for v in ssim)])
    return table


@listed
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


@listed
def paper_means() -> Table:
    """Means over sweeps of Set5: the paper's Table 1 and Fig. 7 beside ours, whose networks are far smaller."""
    scores, table = Scores(), [["sweep", "paper: row", "paper: PSNR", "source", "bicubic", *MODELS]]
    for entry in published("arbsr"):
        if entry.dataset == "Set5":
            ours = [scores.mean(m, entry.column, "psnr", protocol="arbsr") for m in ("bicubic", *MODELS)]
            cells = [entry.column, entry.method, f"{entry.psnr:.2f}", entry.source]
            table.append([*cells, *(shown(v, 2) for v in ours)])
    return table


@listed
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


COSTS = ("parameters, M", "memory, GB", "s")
PAPER_MILLION = 1_024_000  # the paper's unit


@listed
def paper_costs() -> Table:
    """Parameters, memory and time of the paper's Table 3, beside those measured here."""
    papers = {c.method: [f"{c.parameters_m:.1f}", f"{c.memory_gb:.1f}", f"{c.seconds:.2f}"] for c in published_costs()}
    table = [["network", *(f"paper: {name}" for name in COSTS), *(f"here: {name}" for name in COSTS)]]
    for row in record.read("paper_costs"):
        count = float(row["parameters"]) / PAPER_MILLION
        mine = [f"{count:.1f}", f"{float(row['memory_gb']):.1f}", f"{float(row['seconds']):.2f}"]
        table.append([row["network"], *papers.get(row["network"], ["-"] * len(COSTS)), *mine])
    return table


def seeds(name: str, kind: str) -> Table:
    """Means and standard deviations over seeds, or of paired differences, from a file of `recipes/seeds_page.py`."""
    rows = [row for row in record.read(name) if row["kind"] == kind]
    names = list(dict.fromkeys(row["method"] for row in rows))
    table = [["scale", *names]]
    for scale in dict.fromkeys(row["scale"] for row in rows):
        mine = {row["method"]: row["value"] for row in rows if row["scale"] == scale}
        table.append([scale, *(mine.get(name) or "-" for name in names)])
    return table


@listed
def large() -> Table:
    """Scales above the paper's."""
    return sweep_table("large")


@listed
def seen() -> Table:
    """Some of the scales that networks are trained for."""
    return sweep_table("seen", EVERY)


@listed
def unseen() -> Table:
    """Some of the scales between them."""
    return sweep_table("unseen", EVERY)


@listed
def asymmetric() -> Table:
    """Pairs of factors."""
    return sweep_table("asymmetric", rivals=True)


@listed
def ablation_psnr() -> Table:
    """The paper's Table 1 at small size."""
    return seeds("ablation", "PSNR")


@listed
def ablation_differences() -> Table:
    """What each part of it adds, seed by seed."""
    return seeds("ablation", "difference, PSNR / SSIM")


@listed
def ablation_normalized() -> Table:
    """The same with norms in the masks."""
    return seeds("ablation_normalized", "PSNR")


@listed
def upsampling_psnr() -> Table:
    """Upsamplers of one seed."""
    return seeds("upsampling", "PSNR")


@listed
def upsampling_seeds() -> Table:
    """Upsamplers of several seeds."""
    return seeds("upsampling_seeds", "PSNR")


@listed
def taught() -> Table:
    """Training on teachers' targets."""
    return seeds("taught", "PSNR")
