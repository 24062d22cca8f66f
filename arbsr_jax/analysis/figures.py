"""Each figure as one function that draws it; matplotlib and scikit-learn stay in this room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from PIL import Image
from sklearn.manifold import TSNE

from arbsr_jax.analysis.features import Encoded, discrepancy
from arbsr_jax.evaluation.sweep import Row
from arbsr_jax.imaging.scale import Scale

mpl.use("Agg")
COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red")
RINGS = (28, 11, 2)  # areas of markers
TSNE_POINTS = 150  # pixels for each scale and image
DPI = 110
PANEL_WIDTH, CAPTION_HEIGHT, COLOUR_BAR_WIDTH = 1.9, 0.3, 0.7  # inches
BRIGHT = 0.6  # of viridis, from which black is easier to read than white


def scale_dependency(encoded: list[dict[Scale, Encoded]], lr: UInt8[np.ndarray, "h w 3"], title: str) -> Figure:
    """Fig. 1: t-SNE of features for several scales at three places, and where they differ in the first image.

    Args:
      encoded: intermediates of each image, for each scale.
      lr: the first image.
      title: model, data, and how LR was made.
    """
    places = sorted({0, len(next(iter(encoded[0].values())).features) // 2, -1 % _places(encoded)})
    figure = Figure(figsize=(3.2 * (len(places) + 0.2), 6.6), layout="constrained")
    axes = figure.subplots(2, len(places) + 1)
    figure.suptitle(title, fontsize=9)
    for column, place in enumerate(places):
        _scatter(axes[0, column], encoded, place)
        shown = axes[1, column].imshow(discrepancy(encoded[0], place), cmap="magma")
        axes[1, column].set_title(f"discrepancy, place {place + 1}", fontsize=9)
        figure.colorbar(shown, ax=axes[1, column], shrink=0.7)
    axes[0, -1].legend(*axes[0, 0].get_legend_handles_labels(), loc="center", fontsize=9)
    axes[1, -1].imshow(lr)
    axes[1, -1].set_title("LR", fontsize=9)
    _bare(axes.ravel())
    return figure


def masks(encoded: dict[Scale, Encoded], lr: UInt8[np.ndarray, "h w 3"], title: str) -> Figure:
    """Fig. 4: the mask of every adaption beside the discrepancy of features between scales."""
    count = _places([encoded])
    first = next(iter(encoded.values()))
    maps = {"mask": first.masks, "discrepancy": [discrepancy(encoded, place) for place in range(count)]}
    # Panels take the picture's shape: no empty bands between them.
    panel = PANEL_WIDTH * lr.shape[0] / lr.shape[1] + CAPTION_HEIGHT
    figure = Figure(figsize=(PANEL_WIDTH * (count + 1) + COLOUR_BAR_WIDTH, 2 * panel), layout="constrained")
    axes = figure.subplots(2, count + 1)
    figure.suptitle(title, fontsize=9)
    axes[0, 0].imshow(lr)
    axes[0, 0].set_title("LR", fontsize=9)
    for row, (name, pictures) in enumerate(maps.items()):
        most = float(np.max(pictures))  # one colour bar for all places, of which the last differ most by far
        norm = Normalize(0, 1) if name == "mask" else LogNorm(most / 1000, most, clip=True)
        for place, picture in enumerate(pictures):
            axes[row, place + 1].imshow(picture, cmap="magma", norm=norm)
            axes[row, place + 1].set_title(f"{name} {place + 1}", fontsize=9)
        figure.colorbar(ScalarMappable(norm, "magma"), ax=axes[row, -1], label=name, fraction=0.08)
    _bare(axes.ravel())
    return figure


def gain(rows: dict[str, Sequence[Row]], title: str) -> Figure:
    """Fig. 5: gain over bicubic in dB against the scale, a line for each sweep and dataset."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axis = figure.subplots()
    markers = {"seen": "o-", "unseen": "x--"}
    for name, sweep in rows.items():
        for dataset in dict.fromkeys(row.dataset for row in sweep):
            mine = [row for row in sweep if row.dataset == dataset]
            xs, ys = [row.scale_h for row in mine], [row.scores.ours.psnr - row.scores.bicubic.psnr for row in mine]
            axis.plot(xs, ys, markers.get(name, ".-"), markersize=4, label=f"{dataset}, {name} scales")
    axis.set(xlabel="scale", ylabel="PSNR of Y over bicubic, dB")
    axis.grid(alpha=0.3)
    axis.legend()
    axis.set_title(title, fontsize=9)
    return figure


def heat_map(rows: Sequence[Row], title: str) -> Figure:
    """Fig. 7: PSNR, and gain over bicubic, for every pair (r_h, r_v) of the sweep."""
    horizontal = sorted({row.scale_h for row in rows})
    vertical = sorted({row.scale_v for row in rows})
    tables = {"PSNR of Y, dB": np.full((len(vertical), len(horizontal)), np.nan)}
    tables["gain over bicubic, dB"] = tables["PSNR of Y, dB"].copy()
    for row in rows:
        cell = vertical.index(row.scale_v), horizontal.index(row.scale_h)
        ours, bicubic = row.scores.ours.psnr, row.scores.bicubic.psnr
        for table, value in zip(tables.values(), (ours, ours - bicubic), strict=True):
            table[cell] = value
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    figure.suptitle(title, fontsize=9)
    for axis, (name, table) in zip(figure.subplots(1, 2), tables.items(), strict=True):
        shown = axis.imshow(table, cmap="viridis", origin="lower")
        for (y, x), value in np.ndenumerate(table):
            colour = "black" if shown.norm(value) > BRIGHT else "white"
            axis.text(x, y, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=8)
        axis.set(xlabel="horizontal scale", ylabel="vertical scale", title=name)
        axis.set_xticks(range(len(horizontal)), [f"{s:g}" for s in horizontal])
        axis.set_yticks(range(len(vertical)), [f"{s:g}" for s in vertical])
        figure.colorbar(shown, ax=axis, shrink=0.8)
    return figure


def crops(sheets: Sequence[Image.Image], title: str) -> Figure:
    """Fig. 6 and 8: zoomed parts with PSNR, one sheet below the other."""
    width, height = max(sheet.width for sheet in sheets), sum(sheet.height for sheet in sheets)
    figure = Figure(figsize=(width / DPI, height / DPI + 0.4), layout="constrained")
    figure.suptitle(title, fontsize=9)
    for axis, sheet in zip(np.ravel(figure.subplots(len(sheets), 1)), sheets, strict=True):
        axis.imshow(sheet, interpolation="none")
        _bare([axis])
    return figure


def plain_ticks(axis: Axis) -> None:
    """On a logarithmic axis 1, 2, 5, 10 and so on, as people write them."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def save(figure: Figure, path: Path) -> list[Path]:
    """Write the figure as PNG and PDF; returns both paths."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = [path.with_suffix(suffix) for suffix in (".png", ".pdf")]
    for target in written:
        figure.savefig(target, dpi=DPI)
    return written


def _scatter(axis: Axes, encoded: list[dict[Scale, Encoded]], place: int) -> None:
    points, labels = sampled_features(encoded, place)
    embedded = TSNE(init="pca", perplexity=30, random_state=0).fit_transform(points)
    # A dot within a ring within a ring: where scales agree, none hides another.
    for colour, size, scale in zip(COLOURS, RINGS, encoded[0], strict=False):
        shape = {"color": colour} if size == min(RINGS) else {"edgecolors": colour, "facecolors": "none"}
        chosen = embedded[labels == str(scale)]
        axis.scatter(*chosen.T, s=size, linewidths=0.7, label=f"for scale {scale}", **shape)
    axis.set_title(f"t-SNE, place {place + 1}", fontsize=9)


def sampled_features(
    encoded: list[dict[Scale, Encoded]], place: int
) -> tuple[Float[np.ndarray, "points channels"], np.ndarray]:
    """Features of the same random pixels of each image for every scale, and for which scale they are."""
    rng, points, labels = np.random.default_rng(0), [], []
    for image in encoded:
        size = next(iter(image.values())).features[place].shape[:2]
        pixels = rng.choice(size[0] * size[1], min(TSNE_POINTS, size[0] * size[1]), replace=False)
        for scale, one in image.items():
            flat = one.features[place].reshape(-1, one.features[place].shape[-1])
            points.append(flat[pixels])
            labels += [str(scale)] * len(pixels)
    return np.concatenate(points), np.array(labels)


def _places(encoded: list[dict[Scale, Encoded]]) -> int:
    return len(next(iter(encoded[0].values())).features)


def _bare(axes: Iterable[Axes]) -> None:
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
        if not axis.has_data():
            axis.axis("off")
