"""What `arbsr figures` does: each figure's data, drawn and saved."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

from tqdm import tqdm

from arbsr_jax.cli.conventions import DONE, SOME_FAILED
from arbsr_jax.cli.figures import MASKS
from arbsr_jax.errors import ArbsrError, missing_extra
from arbsr_jax.evaluation.datasets import Dataset, open_dataset, sample_photographs
from arbsr_jax.evaluation.methods import Network
from arbsr_jax.evaluation.panels import comparison
from arbsr_jax.evaluation.protocols import PROTOCOLS, SWEEPS
from arbsr_jax.evaluation.scores import ScoreCache
from arbsr_jax.evaluation.sweep import Row, Scored, Sweep, evaluate, make_pair
from arbsr_jax.files import json_text, write_text
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.model_file import Model, read_model_file
from arbsr_jax.models.config import FLOAT32, MASKED
from arbsr_jax.terminal import image_bar

LR_SCALE = Scale.of(4)  # how much smaller than HR the images are whose features are shown
COMPARED = [Scale.of(2), Scale.of(3), Scale.of(4)]


def draw(flags: argparse.Namespace) -> int:
    """Draw one figure.

    Raises:
      ArbsrError: a model, file or folder is missing.
    """
    dataset = open_dataset(flags.data) if flags.data else sample_photographs()
    if flags.limit is not None:
        dataset = dataset.sample(flags.limit, flags.seed)
    models = [read_model_file(name) for name in flags.model]
    names = ", ".join(model.name for model in models)
    title = f"{names}; {dataset.name}, {len(dataset.images)} images; protocol {flags.protocol}"
    try:
        figures = importlib.import_module("arbsr_jax.analysis.figures")  # matplotlib takes its time
    except ImportError:
        raise ArbsrError(missing_extra("matplotlib or scikit-learn", "figures")) from None
    job = Drawing(flags, models, Sweep([dataset], [Scale.of(flags.scale)], flags.protocol), title, [])
    for path in figures.save(FIGURES[flags.name](figures, job), flags.output):
        print(f"wrote {path}")
    return SOME_FAILED if job.failures else DONE


class Drawing(NamedTuple):
    """What a figure is made of; `failures` collects a line for every image that was left out."""

    flags: argparse.Namespace
    models: list[Model]
    sweep: Sweep
    title: str
    failures: list[str]

    def on_failure(self, line: str) -> None:
        """Say that an image is left out."""
        self.failures.append(line)
        tqdm.write(f"arbsr figures: skipped {line}", file=sys.stderr)

    @property
    def network(self) -> Network:
        """The first model, to be scored."""
        return Network(Upscaler(self.models[0], precision=FLOAT32), by_size=PROTOCOLS[self.flags.protocol].by_size)


def _encoded(job: Drawing) -> Iterator[tuple[Any, Any]]:
    """LR of every image, and its features and masks for the scales that are compared."""
    features = importlib.import_module("arbsr_jax.analysis.features")
    images = job.sweep.datasets[0].images
    with image_bar(job.flags.name, len(images)) as progress:
        for image in images:
            lr = make_pair(job.sweep, image, LR_SCALE).lr
            yield lr, features.encode_for_scales(job.models, lr, COMPARED)
            progress.update()


def _scales(figures: ModuleType, job: Drawing) -> Any:
    lrs, encoded = zip(*_encoded(job), strict=True)
    return figures.scale_dependency(list(encoded), lrs[0], f"{job.title}; LR {LR_SCALE} times smaller")


def _masks(figures: ModuleType, job: Drawing) -> Any:
    statistics = importlib.import_module("arbsr_jax.analysis.mask_statistics")
    model = job.models[0]
    if model.config.adaption not in MASKED:
        raise ArbsrError(f"{model.name} has no masks; its adaption is {model.config.adaption!r}")
    first, images = None, []
    for lr, encoded in _encoded(job):
        first = first or (encoded, lr)
        images.append(statistics.of_image(encoded))  # not the features: those of a hundred images fill the memory
    assert first is not None
    report = statistics.report(images)
    for line in statistics.table(report):
        print(line)
    if job.flags.json:
        content = {"model": model.name, "dataset": job.sweep.datasets[0].name, "images": len(images), "places": report}
        write_text(job.flags.json, json_text(content, indent=2) + "\n")
    return figures.masks(*first, f"{job.title}; LR {LR_SCALE} times smaller")


def _gain(figures: ModuleType, job: Drawing) -> Any:
    return figures.gain({name: _rows(job, SWEEPS[name]) for name in ("seen", "unseen")}, job.title)


def _heat_map(figures: ModuleType, job: Drawing) -> Any:
    return figures.heat_map(_rows(job, SWEEPS["asymmetric"]), job.title)


def _crops(figures: ModuleType, job: Drawing) -> Any:
    scale, sheets = job.sweep.scales[0], []
    corner = _corner(job.flags.box) if job.flags.box else None

    with image_bar(job.flags.name, len(job.sweep)) as progress:

        def keep(_: Dataset, __: Scale, scored: Scored | None) -> None:
            assert scored is not None  # there is no cache
            sheets.append(comparison(scored, scale, job.flags.protocol, job.models[0].name, corner))
            progress.update()

        list(evaluate(job.network, job.sweep, on_image=keep, on_failure=job.on_failure))
    if not sheets:
        raise ArbsrError("no image could be scored")
    return figures.crops(sheets, f"{job.title}; scale {scale} (horizontal x vertical)")


FIGURES: dict[str, Callable[[ModuleType, Drawing], Any]] = {
    "scales": _scales,
    MASKS: _masks,
    "gain": _gain,
    "heatmap": _heat_map,
    "crops": _crops,
}


def _rows(job: Drawing, scales: list[Scale]) -> list[Row]:
    """Scores for many scales; those of single images are kept beside the figure."""
    method, sweep = job.network, job.sweep
    sweep = Sweep(sweep.datasets, scales, sweep.protocol)
    cache = ScoreCache(job.flags.output.with_suffix(".images.jsonl"), f"{method.identity}, {sweep.protocol}")
    with image_bar(job.flags.name, len(sweep)) as progress:

        def advance(*_: object) -> None:
            progress.update()

        return list(evaluate(method, sweep, on_image=advance, on_failure=job.on_failure, cache=cache))


def _corner(text: str) -> tuple[int, int]:
    try:
        x, y = map(int, text.split(","))
    except ValueError:
        raise ArbsrError(
            f"box {text!r} is not understood; give its left and top HR pixel, for example 120,80"
        ) from None
    return y, x
