"""Many files enlarged in one run: the next is read, and the last is written, while one is computed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tqdm import tqdm

from arbsr_jax.cli.conventions import say
from arbsr_jax.cli.targets import Target
from arbsr_jax.errors import ArbsrError
from arbsr_jax.inference.stats import Stats
from arbsr_jax.inference.upscaler import Progress, Upscaler
from arbsr_jax.overlap import overlapped
from arbsr_jax.photos import film
from arbsr_jax.photos.jobs import Job, check_name
from arbsr_jax.photos.photo import Photo
from arbsr_jax.photos.reading import photo_size, read_photos
from arbsr_jax.photos.writing import write_photo

FIRST, ALL = "first", "all"
DONE, WOULD, THERE, FAILED = "done", "would do", "there already", "failed"


@dataclass
class Outcome:
    """What became of a file so far.

    Attributes:
      number: of the file in this run.
      job: source and target.
      entry: for `--json`; it has a status once there is nothing more to do.
      remarks: what is to be said of it, in words.
      seconds: spent on it.
      stats: what enlarging cost.
    """

    number: int
    job: Job
    entry: dict[str, Any]
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    stats: Stats = field(default_factory=Stats)

    @contextmanager
    def part(self, failure: dict[str, Any]) -> Iterator[None]:
        """Time a part of the work, and note in `failure` why it fails."""
        begin = time.perf_counter()
        try:
            yield
        except (ArbsrError, OSError) as error:
            words = error.strerror if isinstance(error, OSError) else str(error)
            known = str(self.job.source) in str(words) or str(self.job.target) in str(words)
            failure |= {"status": FAILED, "error": words if known else f"{self.job.source}: {words}"}
        self.seconds += time.perf_counter() - begin

    def remark(self, *remarks: str) -> None:
        """Say each once."""
        self.remarks += [remark for remark in remarks if remark not in self.remarks]


class Step(NamedTuple):
    """A picture on its way; without one, the end of a file, and why there is no more of it."""

    outcome: Outcome
    photo: Photo | None = None
    place: Path = Path()
    share: tuple[int, int] = (0, 1)  # number of the frame, and how many there are
    failure: Mapping[str, Any] = MappingProxyType({})


class Batch:
    """One run over many files."""

    def __init__(self, flags: argparse.Namespace, target: Target, upscaler: Upscaler) -> None:
        self._flags, self._target, self._upscaler = flags, target, upscaler
        self._targets: dict[Path, Path] = {}  # every result of this run, and its source

    def run(self, jobs: list[Job]) -> list[dict[str, Any]]:
        """The outcome of every job."""
        entries = []
        self._targets = {job.target.absolute(): job.source for job in jobs}
        layout = "{desc}{percentage:3.0f}%|{bar}| {n:.1f}/{total} images [{elapsed}<{remaining}]"
        with tqdm(total=len(jobs), leave=False, disable=None, bar_format=layout) as bar:

            def enlarge(step: Step) -> Step:
                frame, frames = step.share
                return self._enlarged(step, lambda s: bar.update(step.outcome.number + (frame + s) / frames - bar.n))

            def finish(step: Step) -> None:
                self._write(step)
                if step.photo is None:
                    line, stream = self._line(step.outcome)
                    say(line, stream, bar.write)
                    bar.update(step.outcome.number + 1 - bar.n)
                    entries.append(step.outcome.entry)

            overlapped(self._steps(jobs), enlarge, finish)
        return entries

    def _steps(self, jobs: list[Job]) -> Iterator[Step]:
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
            yield Step(outcome, failure=failure)

    def _read(self, outcome: Outcome) -> Generator[Step]:
        flags, job = self._flags, outcome.job
        check_name(job.target)
        if flags.skip_existing and job.target.exists():
            outcome.entry["status"] = THERE
            return
        if flags.output is None:
            _refuse_existing([job.target])
        if job.source.suffix.lower() in film.SUFFIXES:
            return  # read and written as it is enlarged
        if flags.dry_run:
            self._announce(outcome, *photo_size(job.source))
            outcome.entry["status"] = WOULD
            return
        with closing(read_photos(job.source)) as photos:
            first = next(photos)
            self._announce(outcome, *first.pixels.shape[:2])
            count = first.frames if flags.frames == ALL else 1
            if first.frames > count:
                outcome.remark(f"first of {first.frames} frames; --frames {ALL} takes all")
            places = [self._place(job, frame) for frame in range(count)] if count > 1 else [job.target]
            if flags.output is None and not flags.skip_existing:
                _refuse_existing(places)
            job.target.parent.mkdir(parents=True, exist_ok=True)
            for frame, photo in enumerate(chain([first], islice(photos, count - 1))):
                if not (flags.skip_existing and places[frame].exists()):
                    yield Step(outcome, photo, places[frame], (frame, count))

    def _announce(self, outcome: Outcome, height: int, width: int) -> None:
        """Note what a file of that size becomes."""
        model, target = self._upscaler.model, self._target
        outcome.entry |= {"from": [width, height], "to": list(target.pixels(height, width))}
        if not model.config.scale and target.is_beyond(model.largest_factor, height, width):
            outcome.remark(f"more than the x{model.largest_factor:g} that {model.name} is trained for")
        if self._flags.explain:
            outcome.entry["plan"] = self._upscaler.explain((height, width), **target.of(height, width))

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

    def _enlarged(self, step: Step, progress: Progress) -> Step:
        """The step with a larger picture; films are read, enlarged and written here."""
        outcome, before = step.outcome, self._upscaler.stats.copy()
        if "status" in outcome.entry or step.failure:
            return step
        with outcome.part(outcome.entry):
            if step.photo is not None:
                arguments, ensemble = self._target.of(*step.photo.pixels.shape[:2]), self._flags.self_ensemble
                large = self._upscaler.upscale(step.photo.pixels, **arguments, progress=progress, ensemble=ensemble)
                outcome.remark(*step.photo.remarks)
                step = step._replace(photo=replace(step.photo, pixels=large))
            elif outcome.job.source.suffix.lower() in film.SUFFIXES:
                self._film(outcome, progress)
        outcome.stats += self._upscaler.stats - before
        return step

    def _film(self, outcome: Outcome, progress: Progress) -> None:
        job, flags = outcome.job, self._flags
        facts = film.probe(job.source)
        self._announce(outcome, facts.height, facts.width)
        if flags.dry_run:
            outcome.entry["status"] = WOULD
            return
        arguments, count = self._target.of(facts.height, facts.width), 0

        def enlarge(frames: Any) -> Any:
            nonlocal count
            large = self._upscaler.upscale(frames, **arguments, ensemble=flags.self_ensemble)
            count += len(frames)
            progress(min(1.0, count / facts.frames) if facts.frames else 0.0)
            return large

        job.target.parent.mkdir(parents=True, exist_ok=True)
        batch = self._upscaler.batch_size((facts.height, facts.width), **arguments)
        outcome.remark(*film.convert(job.source, job.target, facts, enlarge, tuple(outcome.entry["to"]), batch))
        outcome.remark(f"{count} frames")

    def _write(self, step: Step) -> None:
        """Write a picture; at the end of a file, complete its entry."""
        outcome, flags = step.outcome, self._flags
        if step.photo is not None and "status" not in outcome.entry:
            with outcome.part(outcome.entry):
                outcome.remark(*write_photo(step.place, step.photo, flags.quality, metadata=not flags.no_metadata))
        if step.photo is None:
            outcome.entry = {"status": DONE, **step.failure, **outcome.entry}
            if outcome.entry["status"] in (DONE, WOULD):
                outcome.entry["remarks"] = outcome.remarks
            if outcome.entry["status"] == DONE:
                outcome.entry |= {"seconds": round(outcome.seconds, 3), "counters": outcome.stats.as_dict()}

    def _line(self, outcome: Outcome) -> tuple[str, Any]:
        """What is said of a file, and where."""
        job, entry = outcome.job, outcome.entry
        if entry["status"] == FAILED:
            return f"arbsr upscale: skipped {entry['error']}", sys.stderr
        if entry["status"] == THERE:
            return f"{job.target} is there already", sys.stdout
        before, after = ("x".join(map(str, entry[key])) for key in ("from", "to"))
        words = "; ".join([self._target.in_words, *outcome.remarks])
        seconds = f" in {entry['seconds']:.1f} s" if "seconds" in entry else ""
        plan = f"\n  {entry['plan']}" if "plan" in entry else ""
        return f"{job.source} {before} -> {job.target} {after}{seconds} ({words}){plan}", sys.stdout


def _refuse_existing(places: list[Path]) -> None:
    """Overwrite nothing that nobody named."""
    there = next((place for place in places if place.exists()), None)
    if there:
        raise ArbsrError(f"{there} is there already; remove it, or give -o or --skip-existing")
