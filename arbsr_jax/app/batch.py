"""Many files enlarged in one run: the next is read, and the last is written, while one is computed."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from arbsr_jax.app import film
from arbsr_jax.app.jobs import Job, check_name, refuse_existing
from arbsr_jax.app.options import ALL, UpscaleOptions
from arbsr_jax.app.outcomes import DONE, DRY_RUN, SKIPPED, Outcome, PictureStep, in_total
from arbsr_jax.app.reading import photo_size, read_photos
from arbsr_jax.app.targets import SQUARE, Target
from arbsr_jax.app.writing import write_photo
from arbsr_jax.errors import ArbsrError
from arbsr_jax.inference.consistency import back_project
from arbsr_jax.inference.loading import AutoRestoring, Upscalers
from arbsr_jax.inference.resized_after import ResizedAfter
from arbsr_jax.inference.upscaler import Progress, Upscaler
from arbsr_jax.interruption import InterruptedRunError
from arbsr_jax.overlap import overlapped
from arbsr_jax.terminal import Tell, print_line, show_compiling


class UpscaleRun:
    """One run over many files."""

    def __init__(self, upscaler: Upscalers, target: Target, options: UpscaleOptions, tell: Tell = print_line) -> None:
        """Set up; `tell` prints each file's line, as `print_line` does."""
        self._options, self._target, self._tell = options, target, tell
        self._auto = upscaler if isinstance(upscaler, AutoRestoring) else None
        self._upscaler = upscaler.at(0.0) if isinstance(upscaler, AutoRestoring) else upscaler
        self._targets: dict[Path, Path] = {}  # every result of this run, and its source

    def run(self, jobs: list[Job]) -> list[dict[str, Any]]:
        """The outcome of every job."""
        entries = []
        self._targets = {job.target.absolute(): job.source for job in jobs}
        layout = "{desc}{percentage:3.0f}%|{bar}| {n:.1f}/{total} images [{elapsed}<{remaining}{postfix}]"
        bar = tqdm(total=len(jobs), leave=False, disable=None, bar_format=layout)
        with bar, show_compiling(bar):
            self._bar = bar

            def enlarge(group: list[PictureStep]) -> list[PictureStep]:
                (frame, frames), number = group[0].share, group[0].outcome.number
                return self._enlarged(group, lambda share: bar.update(number + (frame + share) / frames - bar.n))

            def finish(group: list[PictureStep]) -> None:
                for step in group:
                    self._write(step)
                    if step.photo is None:
                        line, stream = step.outcome.line(self._target.in_words)
                        self._tell(line, stream, bar.write)
                        bar.update(step.outcome.number + 1 - bar.n)
                        entries.append(step.outcome.entry)

            try:
                overlapped(self._groups(self._steps(jobs)), enlarge, finish)
            except InterruptedRunError as stopped:
                stopped.advice = f"{len(entries)} of {len(jobs)} files done; go on with --skip-existing"
                raise
        if len(jobs) > 1:
            print_line(in_total(entries), sys.stdout)
        return entries

    def _groups(self, steps: Iterator[PictureStep]) -> Iterator[list[PictureStep]]:
        """Pictures of one size, type and strength, as many as are best enlarged at once: one on CPUs."""
        group: list[PictureStep] = []
        kind, count, most = None, 0, 1
        for step in steps:
            if step.photo is not None:
                pixels = step.photo.pixels
                if count and (pixels.shape, pixels.dtype, step.restore) != kind:
                    yield group
                    group, count = [], 0
                if not count:
                    kind, most = (pixels.shape, pixels.dtype, step.restore), self._at_once(*pixels.shape[:2])
                count += 1
            group.append(step)
            if not 0 < count < most:
                yield group
                group, count = [], 0
        if group:
            yield group

    def _at_once(self, height: int, width: int) -> int:
        try:
            return self._upscaler.batch_size((height, width), **self._target.of(height, width))
        except ArbsrError:  # of a size that is not allowed: its turn will say so
            return 1

    def _steps(self, jobs: list[Job]) -> Iterator[PictureStep]:
        """Every job's pictures, read, and its end."""
        for number, job in enumerate(jobs):
            outcome = Outcome(number, job, {"source": str(job.source), "target": str(job.target)})
            failure: dict[str, Any] = {}
            with closing(self._read(outcome)) as pictures:
                while "status" not in outcome.entry:
                    step = None
                    with outcome.part(failure):
                        step = next(pictures, None)
                    if step is None:
                        break
                    yield step
            yield PictureStep(outcome, failure=failure)

    def _read(self, outcome: Outcome) -> Generator[PictureStep]:
        options, job = self._options, outcome.job
        check_name(job.target)
        if options.skip_existing and job.target.exists():
            outcome.entry["status"] = SKIPPED
            return
        if not options.overwrite:
            refuse_existing([job.target])
        if job.source.suffix.lower() in film.SUFFIXES:
            return  # read and written as it is enlarged
        if options.dry_run:
            self._announce(outcome, *photo_size(job.source))
            outcome.entry["status"] = DRY_RUN
            return
        with closing(read_photos(job.source)) as photos:
            first = next(photos)
            self._announce(outcome, *first.pixels.shape[:2])
            count = first.frames if options.frames == ALL else 1
            if first.frames > count:
                outcome.remark(f"first of {first.frames} frames; --frames {ALL} takes all")
            places = [self._place(job, frame) for frame in range(count)] if count > 1 else [job.target]
            if not (options.overwrite or options.skip_existing):
                refuse_existing(places)
            job.target.parent.mkdir(parents=True, exist_ok=True)
            for frame, photo in enumerate(chain([first], islice(photos, count - 1))):
                if not (options.skip_existing and places[frame].exists()):
                    restore = self._auto and self._auto.strength_of(photo.pixels)
                    yield PictureStep(outcome, photo, places[frame], (frame, count), restore=restore)

    def _announce(self, outcome: Outcome, height: int, width: int, pixel: Fraction = SQUARE) -> None:
        """Note what a file of that size becomes."""
        model, target = self._upscaler.model, self._target
        outcome.entry |= {"from": [width, height], "to": list(target.pixels(height, width, pixel))}
        if not model.config.scale and target.is_beyond(model.largest_factor, height, width, pixel):
            outcome.remark(f"more than the x{model.largest_factor:g} that {model.name} is trained for")
        if isinstance(self._upscaler, ResizedAfter):
            outcome.remark(self._upscaler.in_words)
        if self._options.explain:
            outcome.entry["plan"] = self._upscaler.explain((height, width), **target.of(height, width, pixel))

    def _place(self, job: Job, frame: int) -> Path:
        """The file for one of several frames.

        Raises:
          ArbsrError: another input of this run becomes that file.
        """
        place = job.target.with_stem(f"{job.target.stem}_{frame + 1:04d}")
        check_name(place)
        other = self._targets.setdefault(place.absolute(), job.source)
        if other != job.source:
            raise ArbsrError(f"{job.source}: its frame {frame + 1} and {other} would both become {place}")
        return place

    def _enlarged(self, group: list[PictureStep], progress: Progress) -> list[PictureStep]:
        """The steps with larger pictures; films are read, enlarged and written here."""
        steps = [step for step in group if "status" not in step.outcome.entry and not step.failure]
        photos = [step for step in steps if step.photo is not None]
        done = dict(zip(map(id, photos), self._enlarged_photos(photos, progress), strict=True)) if photos else {}
        for step in steps:
            if step.photo is None and step.outcome.job.source.suffix.lower() in film.SUFFIXES:
                with step.outcome.part(step.outcome.entry):
                    self._film(step.outcome, progress)
        return [done.get(id(step), step) for step in group]

    def _enlarged_photos(self, steps: list[PictureStep], progress: Progress) -> list[PictureStep]:
        outcome, ensemble = steps[0].outcome, self._options.ensemble
        upscaler = self._at(steps[0].restore)
        photos = [step.photo for step in steps if step.photo is not None]
        large, failure = [photo.pixels for photo in photos], {}
        with outcome.part(failure, upscaler.network.stats):
            arguments = self._target.of(*large[0].shape[:2])
            stack = large[0] if len(large) == 1 else np.stack(large)
            results = upscaler.upscale(stack, **arguments, progress=progress, ensemble=ensemble)
            large = [results] if len(large) == 1 else list(results)
            compared = self._options.consistent or self._options.compare
            for number, photo in enumerate(photos if compared and not failure else ()):
                made = large[number], photo.pixels
                large[number] = steps[number].outcome.check_consistency(*made, consistent=self._options.consistent)
        for step, photo in zip(steps, photos, strict=True):
            step.outcome.restored(step.restore)
            step.outcome.entry |= failure
            step.outcome.remark(*photo.remarks)
        enlarged = (replace(photo, pixels=pixels) for photo, pixels in zip(photos, large, strict=True))
        return [step._replace(photo=photo) for step, photo in zip(steps, enlarged, strict=True)]

    def _at(self, strength: float | None) -> Upscaler:
        return self._auto.at(strength) if self._auto and strength is not None else self._upscaler

    def _film(self, outcome: Outcome, progress: Progress) -> None:
        job, options = outcome.job, self._options
        facts = film.probe(job.source)
        self._announce(outcome, facts.height, facts.width, facts.pixel)
        if options.dry_run:
            outcome.entry["status"] = DRY_RUN
            return
        arguments, count = self._target.of(facts.height, facts.width, facts.pixel), 0
        square, begin = self._target.makes_square_pixels(facts.pixel), time.perf_counter()
        strength: float | None = None

        def enlarge(frames: Any) -> Any:
            nonlocal count, strength
            if self._auto and strength is None:  # one for the whole film: nothing flickers
                strength = float(np.median([self._auto.strength_of(frame) for frame in frames]))
                outcome.restored(strength)
            upscaler = self._at(strength)
            before = upscaler.network.stats.copy()
            large = upscaler.upscale(frames, **arguments, ensemble=options.ensemble)
            outcome.stats += upscaler.network.stats - before
            if options.consistent:
                large = np.stack([back_project(*pair)[0] for pair in zip(large, frames, strict=True)])
            count += len(frames)
            self._bar.set_postfix_str(f"{count / (time.perf_counter() - begin):.1f} frames/s", refresh=False)
            progress(min(1.0, count / facts.frames) if facts.frames else 0.0)
            return large

        job.target.parent.mkdir(parents=True, exist_ok=True)
        batch = self._upscaler.batch_size((facts.height, facts.width), **arguments)
        size = tuple(outcome.entry["to"])
        outcome.remark(*film.convert(job.source, job.target, facts, enlarge, size, batch, square_pixels=square))
        outcome.remark(f"{count} frames")

    def _write(self, step: PictureStep) -> None:
        """Write a picture; at the end of a file, complete its entry."""
        outcome, options = step.outcome, self._options
        if step.photo is not None and "status" not in outcome.entry:
            with outcome.part(outcome.entry):
                outcome.remark(*write_photo(step.place, step.photo, options.quality, metadata=options.metadata))
        if step.photo is None:
            outcome.entry = {"status": DONE, **step.failure, **outcome.entry}
            if outcome.entry["status"] in (DONE, DRY_RUN):
                outcome.entry["remarks"] = outcome.remarks
            if outcome.entry["status"] == DONE:
                outcome.entry |= {"seconds": round(outcome.seconds, 3), "counters": outcome.stats.as_dict()}
