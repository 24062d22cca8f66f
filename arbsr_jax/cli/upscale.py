"""`arbsr upscale IN... -o OUT --scale 2.5x3.5 | --size 1920x1080`."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from arbsr_jax import parallel
from arbsr_jax.cli.conventions import DONE, SOME_FAILED, add_process_flags, say
from arbsr_jax.cli.targets import Target, parse_memory
from arbsr_jax.errors import ArbsrError
from arbsr_jax.files import json_text, write_text
from arbsr_jax.inference.upscaler import Progress, Upscaler, load_model
from arbsr_jax.model_file import DEFAULT_MODEL
from arbsr_jax.models.parameters import DTYPES
from arbsr_jax.photos import film
from arbsr_jax.photos.jobs import AUTO, Job, check_name, plan_jobs
from arbsr_jax.photos.photo import Photo
from arbsr_jax.photos.reading import photo_size, read_photos
from arbsr_jax.photos.writing import DEFAULT_QUALITY, FORMATS, write_photo

FIRST, ALL = "first", "all"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    add = parser.add_argument
    add("inputs", nargs="+", metavar="IN", help="image files, films, folders (with all inside), or patterns")
    add(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="a folder; for one image also a file name (default: beside the source, as NAME_2.5x3.5.EXT)",
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--scale", help="2.5, or 2.5x3.5 for horizontal x vertical (width x height)")
    target.add_argument("--size", help="width x height in pixels: 1920x1080, or 1920x, or x1080")
    add("--model", default=DEFAULT_MODEL, help="a .safetensors file or the name of a shipped model")
    add("--tile", type=int, help="side of LR tiles in pixels; 0: whole images (default: what suits)")
    add("--memory", default="1G", help="what computing may take, as in 512M or 2G (default: 1G)")
    add(
        "--self-ensemble",
        action="store_true",
        help="average eight flips and transposes: a little better, 8 times slower",
    )
    add("--precision", choices=DTYPES, default="float32", help="what to compute in; bfloat16 is for accelerators")
    add("--ext", default=AUTO, help=f"kind of file to write: {AUTO}, {', '.join(e[1:] for e in FORMATS)}")
    add("--suffix", help="added to names, as in _large (default: nothing; without -o the factors or the size)")
    add("--quality", type=int, default=DEFAULT_QUALITY, help=f"of JPEG and WebP (default: {DEFAULT_QUALITY})")
    add("--no-metadata", action="store_true", help="leave EXIF, XMP, text, resolution and colour profiles out: sRGB")
    add("--frames", choices=(FIRST, ALL), default=FIRST, help="of animated and multi-page files (default: first)")
    add("--skip-existing", action="store_true", help="leave alone what is there already: goes on after an interruption")
    add("--dry-run", action="store_true", help="say what would be done")
    add("--json", type=Path, metavar="FILE", help="write what was done there")
    add_process_flags(parser)


def run(flags: argparse.Namespace) -> int:
    """Upscale every input; a bad one is named and the rest goes on.

    Raises:
      ArbsrError: a flag is wrong, or a folder is missing or empty.
    """
    target = Target(flags.scale, flags.size)
    if not 1 <= flags.quality <= 100:
        raise ArbsrError(f"--quality {flags.quality} is not allowed; give 1 to 100")
    beside = flags.output is None
    suffix = flags.suffix or (f"_{target.label}" if beside else "")
    jobs = plan_jobs(flags.inputs, flags.output, suffix=suffix, extension=flags.ext, say=warn)
    memory = parse_memory(flags.memory)
    parallel.initialize_distributed(flags.coordinator, flags.processes, flags.process)
    process, processes = parallel.this_process() if flags.coordinator else (0, 1)
    upscaler = load_model(flags.model, tile=flags.tile, memory=memory, precision=flags.precision)
    done = Batch(flags, target, upscaler).run(jobs[process::processes])
    if flags.json:
        place = flags.json if process == 0 else flags.json.with_stem(f"{flags.json.stem}-{process}")
        write_text(place, json_text(done, indent=2) + "\n")
    if processes > 1:
        parallel.barrier()
    return SOME_FAILED if any(entry["status"] == "failed" for entry in done) else DONE


def warn(line: str) -> None:
    """A line beside the results."""
    say(f"note: {line}", sys.stderr)


class Batch:
    """One run over many files."""

    def __init__(self, flags: argparse.Namespace, target: Target, upscaler: Upscaler) -> None:
        self._flags, self._target, self._upscaler = flags, target, upscaler
        self._targets: dict[Path, Path] = {}  # every result of this run, and its source

    def run(self, jobs: list[Job]) -> list[dict[str, Any]]:
        """The outcome of every job."""
        done = []
        self._targets = {job.target.absolute(): job.source for job in jobs}
        layout = "{desc}{percentage:3.0f}%|{bar}| {n:.1f}/{total} images [{elapsed}<{remaining}]"
        with tqdm(total=len(jobs), leave=False, disable=None, bar_format=layout) as bar:
            for number, job in enumerate(jobs):
                entry = {"source": str(job.source), "target": str(job.target)}
                try:
                    check_name(job.target)
                    entry |= self._one(job, lambda share, at=number: bar.update(at + share - bar.n))
                    line, stream = self._line(job, entry), sys.stdout
                except (ArbsrError, OSError) as error:
                    words = error.strerror if isinstance(error, OSError) else str(error)
                    known = str(job.source) in str(words) or str(job.target) in str(words)
                    entry |= {"status": "failed", "error": words if known else f"{job.source}: {words}"}
                    line, stream = f"arbsr upscale: skipped {entry['error']}", sys.stderr
                say(line, stream, bar.write)
                bar.update(number + 1 - bar.n)
                done.append(entry)
        return done

    def _one(self, job: Job, progress: Progress) -> dict[str, Any]:
        flags = self._flags
        if flags.skip_existing and job.target.exists():
            return {"status": "there already"}
        if flags.output is None:
            _refuse_existing([job.target])
        if job.source.suffix.lower() in film.SUFFIXES:
            return self._film(job, progress)
        if flags.dry_run:
            height, width = photo_size(job.source)
            return {"status": "would do", "remarks": [], **self._sizes(height, width)}
        begin = time.perf_counter()
        with closing(read_photos(job.source)) as photos:
            first = next(photos)
            sizes = self._sizes(*first.pixels.shape[:2])
            remarks, count = sizes.pop("remarks"), first.frames if flags.frames == ALL else 1
            if first.frames > count:
                remarks.append(f"first of {first.frames} frames; --frames {ALL} takes all")
            places = [self._place(job, frame) for frame in range(count)] if count > 1 else [job.target]
            if flags.output is None and not flags.skip_existing:
                _refuse_existing(places)
            job.target.parent.mkdir(parents=True, exist_ok=True)
            for frame, photo in enumerate(chain([first], islice(photos, count - 1))):
                if flags.skip_existing and places[frame].exists():
                    continue
                lost = self._photo(photo, places[frame], lambda share, f=frame: progress((f + share) / count))
                remarks += [remark for remark in (*photo.remarks, *lost) if remark not in remarks]
        return {"status": "done", **sizes, "seconds": round(time.perf_counter() - begin, 3), "remarks": remarks}

    def _sizes(self, height: int, width: int) -> dict[str, Any]:
        """What a file of that size becomes, and what is to be said of it."""
        model = self._upscaler.model
        beyond = not model.config.scale and self._target.is_beyond(model.largest_factor, height, width)
        remarks = [f"more than the x{model.largest_factor:g} that {model.name} is trained for"] if beyond else []
        return {"from": [width, height], "to": list(self._target.pixels(height, width)), "remarks": remarks}

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

    def _photo(self, photo: Photo, place: Path, progress: Progress) -> list[str]:
        """Enlarge and write; returns what the file could not keep, in words."""
        flags, arguments = self._flags, self._target.of(*photo.pixels.shape[:2])
        enlarge = partial(self._upscaler.upscale, **arguments, progress=progress, ensemble=flags.self_ensemble)
        large = replace(photo, pixels=enlarge(photo.pixels))
        return write_photo(place, large, flags.quality, metadata=not flags.no_metadata)

    def _film(self, job: Job, progress: Progress) -> dict[str, Any]:
        facts, begin, count = film.probe(job.source), time.perf_counter(), 0
        arguments, sizes = self._target.of(facts.height, facts.width), self._sizes(facts.height, facts.width)
        if self._flags.dry_run:
            return {"status": "would do", **sizes}

        def enlarge(frame: Any) -> Any:
            nonlocal count
            count += 1
            progress(min(1.0, count / facts.frames) if facts.frames else 0.0)
            return self._upscaler.upscale(frame, **arguments, ensemble=self._flags.self_ensemble)

        job.target.parent.mkdir(parents=True, exist_ok=True)
        remarks = film.convert(job.source, job.target, facts, enlarge, tuple(sizes["to"]))
        sizes["remarks"] += [*remarks, f"{count} frames"]
        return {"status": "done", **sizes, "seconds": round(time.perf_counter() - begin, 3)}

    def _line(self, job: Job, entry: dict[str, Any]) -> str:
        if "from" not in entry:
            return f"{job.target} is there already"
        before, after = ("x".join(map(str, entry[key])) for key in ("from", "to"))
        words = "; ".join([self._target.in_words, *entry["remarks"]])
        seconds = f" in {entry['seconds']:.1f} s" if "seconds" in entry else ""
        return f"{job.source} {before} -> {job.target} {after}{seconds} ({words})"


def _refuse_existing(places: list[Path]) -> None:
    """Overwrite nothing that nobody named."""
    there = next((place for place in places if place.exists()), None)
    if there:
        raise ArbsrError(f"{there} is there already; remove it, or give -o or --skip-existing")
