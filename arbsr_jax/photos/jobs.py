"""Which files are to be made of which."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.image_files import SUFFIXES
from arbsr_jax.photos import video
from arbsr_jax.photos.writing import FORMATS

AUTO = "auto"
READ = (*SUFFIXES, ".gif", ".jfif", ".jpe", *video.SUFFIXES)


class Job(NamedTuple):
    """One file and what it becomes."""

    source: Path
    target: Path


def plan_jobs(given: Iterable[str], output: Path, *, suffix: str = "", extension: str = AUTO) -> list[Job]:
    """All jobs, in the order of the inputs; folders are searched with all that is in them, and keep their structure.

    Args:
      given: files, folders and patterns such as `photos/*.jpg`.
      output: a folder; for one file also the name of the file to write.
      suffix: what is added to names, before their ending.
      extension: of what is written, with or without dot; "auto": the source's own where it can be written, else png.

    Raises:
      ArbsrError: an input does not exist, a folder holds no image, two inputs would become one file or one itself,
        or the extension is unknown.
    """
    if extension != AUTO and f".{extension.lstrip('.').lower()}" not in FORMATS:
        allowed = " ".join([AUTO, *(end[1:] for end in FORMATS)])
        raise ArbsrError(f"--ext {extension}: files of this kind are not written; allowed: {allowed}")
    found = [pair for text in given for pair in _expanded(text)]
    single = len(found) == 1 and output.suffix.lower() in (*FORMATS, *video.SUFFIXES) and not output.is_dir()
    jobs = []
    for source, inner in found:
        ending = _ending(source.suffix.lower(), extension)
        jobs.append(Job(source, output if single else output / inner.with_name(f"{inner.stem}{suffix}{ending}")))
    _refuse_clashes(jobs)
    return jobs


def _ending(own: str, extension: str) -> str:
    if own in video.SUFFIXES:
        return own
    if extension == AUTO:
        return own if own in FORMATS else ".png"
    return f".{extension.lstrip('.').lower()}"


def _expanded(text: str) -> Iterator[tuple[Path, Path]]:
    """Files that an argument stands for, and where they lie below the output folder."""
    path = Path(text)
    if path.is_dir():
        images = sorted(p for p in _walk(path) if p.suffix.lower() in READ)
        if not images:
            raise ArbsrError(f"{path}: no images in it; files ending in {' '.join(READ)} are read")
        yield from ((image, image.relative_to(path)) for image in images)
    elif path.exists() or path.is_symlink() or not glob.has_magic(text):
        yield path, Path(path.name)  # what is missing is named when its turn comes, and the rest goes on
    else:
        matches = [Path(match) for match in sorted(glob.glob(text, recursive=True))]  # noqa: PTH207 (absolute patterns too)
        if not matches:
            raise ArbsrError(f"{text}: nothing matches")
        yield from ((match, Path(match.name)) for match in matches if not match.is_dir())


def _walk(folder: Path) -> Iterator[Path]:
    """All files below a folder; links to folders are not followed, so that none leads in circles."""
    for place, _, names in os.walk(folder):
        yield from (Path(place) / name for name in names if not name.startswith("."))


def _refuse_clashes(jobs: list[Job]) -> None:
    seen: dict[Path, Path] = {}
    for source, target in jobs:
        key = target.absolute()
        if key in seen:
            both = f"{seen[key]} and {source}"
            raise ArbsrError(f"{both} would both become {target}; give them other names or upscale them apart")
        if target.exists() and source.exists() and target.samefile(source):
            raise ArbsrError(f"{source}: would be overwritten by its own result; give another -o, or --suffix")
        seen[key] = source
