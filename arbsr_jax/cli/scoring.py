"""What `arbsr evaluate` does: a method's scores, tables and pictures."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from arbsr_jax import parallel
from arbsr_jax.cli.conventions import DONE, SOME_FAILED, lines_beside, parsed_restore
from arbsr_jax.errors import ArbsrError
from arbsr_jax.evaluation import report
from arbsr_jax.evaluation.datasets import COMPARISON, Dataset, open_datasets, sample_photographs
from arbsr_jax.evaluation.methods import AutoNetwork, Bicubic, Method, Network, Pictures, ResizedMethod
from arbsr_jax.evaluation.panels import save_panels
from arbsr_jax.evaluation.perceptual import Lpips
from arbsr_jax.evaluation.protocols import BICUBIC, PROTOCOLS, SWEEPS
from arbsr_jax.evaluation.scores import ScoreCache
from arbsr_jax.evaluation.sweep import Row, Scored, Sweep, evaluate
from arbsr_jax.files import STREAM
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.loading import AutoRestoring, load_model
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.interruption import InterruptedRunError
from arbsr_jax.models.config import DEFAULT_MODEL, DEFAULT_RESTORING
from arbsr_jax.teach import DAT_LIGHT
from arbsr_jax.teach.makers import maker_of
from arbsr_jax.terminal import show_compiling

RIVAL_SCALE = 4  # of DAT-light


def score(flags: argparse.Namespace) -> int:
    """Evaluate as the flags say; returns the exit code.

    Raises:
      ArbsrError: a flag is wrong, or a file or folder missing.
    """
    parallel.initialize_distributed(flags.coordinator, flags.processes, flags.process)
    sweep, method, upscaler = set_up(flags)

    kind = "LR files as given" if flags.lr else f"protocol {flags.protocol}"
    with lines_beside(flags.json):
        print(f"model {method.name}, {kind}: Y channel, ceil(scale) border pixels left out")
        for scale in sweep.scales if flags.scale else []:
            print(f"scale {scale}: {scale.in_words}")
        rows, failures = score_all(flags, sweep, method)
        if flags.out and rows:
            print(f"pictures: {flags.out}/DATASET/SCALE/, each beside LR, bicubic and HR in NAME{COMPARISON}.png")
            print("next: `arbsr upscale PHOTO --scale 2.5x3.5`, or `arbsr demo` for a page")
        if upscaler:
            count = len(upscaler.network.programs)
            print(f"{count} programs compiled in {upscaler.network.seconds:.1f} s, not counted in s/image")
    if flags.json and str(flags.json) == STREAM:
        report.write_json(flags.json, method.name, flags.protocol, rows)
    return SOME_FAILED if failures else DONE


def set_up(flags: argparse.Namespace) -> tuple[Sweep, Method, Upscaler | None]:
    """The images and scales, the method, and the network if it is one.

    Raises:
      ArbsrError: a flag is wrong, or a file or folder missing.
    """
    scales = [Scale.of(text) for text in flags.scale] if flags.scale else SWEEPS[flags.sweep]
    datasets = open_datasets(flags.data) if flags.data else [sample_photographs()]
    if flags.limit is not None:
        datasets = [dataset.sample(flags.limit, flags.seed) for dataset in datasets]
    sweep = Sweep(datasets, scales, flags.protocol, flags.lr, parallel.this_process(), Lpips() if flags.lpips else None)
    if flags.sr:
        return sweep, Pictures(flags.sr), None
    if flags.model == BICUBIC:
        return sweep, Bicubic(flags.protocol), None
    if flags.resize_after:
        return sweep, _resized_after(flags), None
    settings: dict[str, Any] = {"tile": flags.tile, "precision": flags.precision}
    restore = parsed_restore(flags.restore)
    name = flags.model or (DEFAULT_MODEL if restore is None else DEFAULT_RESTORING)
    kind = {"by_size": PROTOCOLS[flags.protocol].by_size and not flags.lr, "ensemble": flags.self_ensemble}
    if isinstance(restore, str):
        return sweep, AutoNetwork(AutoRestoring(name, **settings), **kind), None
    upscaler = load_model(name, restore, **settings)
    return sweep, Network(upscaler, **kind), upscaler


def _resized_after(flags: argparse.Namespace) -> ResizedMethod:
    """The scale-specific network that the flags name.

    Raises:
      ArbsrError: it is a network for every scale, or cannot be loaded.
    """
    if flags.model == DAT_LIGHT:
        maker = maker_of(DAT_LIGHT, None, flags.self_ensemble)

        def enlarge(lr: np.ndarray) -> tuple[np.ndarray, float]:
            begin = time.perf_counter()
            return maker(lr, RIVAL_SCALE), time.perf_counter() - begin

        return ResizedMethod(enlarge, f"{DAT_LIGHT}-x{RIVAL_SCALE}", maker.name)
    upscaler = load_model(flags.model or DEFAULT_MODEL, tile=flags.tile, precision=flags.precision)
    scale = upscaler.model.config.scale
    if not scale:
        raise ArbsrError(
            f"--resize-after: {flags.model} is a network for every scale; leave the flag out, "
            f"or give a scale-specific model file or {DAT_LIGHT}"
        )
    upscale = partial(upscaler.upscale, scale=scale, ensemble=flags.self_ensemble)
    identity = f"{upscaler.model.digest}, tile {flags.tile}, ensemble {flags.self_ensemble}, {flags.precision}"
    return ResizedMethod(lambda lr: upscaler.network.timed(lambda: upscale(lr)), upscaler.model.name, identity)


def score_all(flags: argparse.Namespace, sweep: Sweep, method: Method) -> tuple[list[Row], list[str]]:
    """Score everything, print and write tables; returns the rows, and the failures, one line each."""
    identity = f"{method.identity}, {flags.protocol}, lr {flags.lr}{', LPIPS' if flags.lpips else ''}"
    place = flags.json and flags.json.with_suffix(".images.jsonl")
    # Pictures are to be written, or may have changed: cached scores are of no use.
    place = None if flags.out or flags.sr or str(flags.json) == STREAM else place
    process, processes = sweep.share
    if processes > 1:
        failures = _score(sweep, method, flags, ScoreCache(place, identity, process), lambda row: None)
        parallel.barrier()
        if process:
            return [], failures
        sweep = dataclasses.replace(sweep, share=(0, 1))

    cache = ScoreCache(place, identity)
    if place and cache.known:
        print(f"{cache.known} scores of single images are known from {place.parent}")
    table = report.ScoreTable(method.name, lpips=flags.lpips)
    print(table.header, flush=True)
    rows: list[Row] = []

    def on_row(row: Row) -> None:
        rows.append(row)
        tqdm.write(table.row(row), file=sys.stdout)
        if row.exact:
            tqdm.write(f"  {row.exact} more equal HR exactly in a column: not in the means", file=sys.stdout)
        write_tables(flags, method.name, rows)

    failures = _score(sweep, method, flags, cache, on_row)
    means = report.averages(rows)
    for average in means:
        print(table.row(average))
    for line in report.paper_lines(report.sweep_name(sweep.scales), flags.protocol, means):
        print(line)
    return rows, failures


def write_tables(flags: argparse.Namespace, name: str, rows: list[Row]) -> None:
    """The files that the flags name."""
    writers = {"json": report.write_json, "csv": report.write_csv, "markdown": report.write_markdown}
    for kind, write in writers.items():
        path = getattr(flags, kind)
        if path and str(path) != STREAM:  # there all rows go at the end
            write(path, name, flags.protocol, rows)


def _score(
    sweep: Sweep, method: Method, flags: argparse.Namespace, cache: ScoreCache, on_row: Callable[[Row], None]
) -> list[str]:
    failures: list[str] = []
    progress = tqdm(total=len(sweep) // sweep.share[1], unit="image", leave=False, disable=None)
    with progress, show_compiling(progress):

        def on_image(dataset: Dataset, scale: Scale, scored: Scored | None) -> None:
            if flags.out and scored:
                save_panels(flags.out / dataset.name / str(scale), scored, scale, flags.protocol, method.name)
            progress.update()

        def on_failure(line: str) -> None:
            failures.append(line)
            progress.write(f"evaluate.py: {line}", file=sys.stderr)
            progress.update()

        try:
            for row in evaluate(method, sweep, on_image=on_image, on_failure=on_failure, cache=cache):
                on_row(row)
        except InterruptedRunError as stopped:
            stopped.advice = "the same command goes on" if flags.json else "with --json FILE a second run would go on"
            raise
    return failures
