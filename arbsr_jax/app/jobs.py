"""Which files are to be made of which."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from arbsr_jax.app import film, jpeg_xl, loaders
from arbsr_jax.app.formats import FORMATS, READ_ENDINGS
from arbsr_jax.errors import ArbsrError

BY_SOURCE = "auto"
READ = (*READ_ENDINGS, *film.SUFFIXES)
WRITTEN = (*FORMATS, *film.SUFFIXES)
OTHER_PICTURES = (".svg", ".pdf", ".raw", ".wmv", ".mpg", ".ts")
LONGEST_NAME = 255  # bytes that a file system takes
LABEL = re.compile(r"_(\d+(\.\d+)?x\d+(\.\d+)?|\d+x|x\d+)$")  # of results: both factors, or sides in pixels
NAMED = 5  # files that one line names
Say = Callable[[str], object]


class Job(NamedTuple):
    """One file and what it becomes."""

    source: Path
    target: Path


def plan_jobs(
    given: Iterable[str],
    output: Path | None,
    *,
    suffix: str = "",
    extension: str = BY_SOURCE,
    say: Say = lambda line: None,
) -> list[Job]:
    """All jobs, in the order of the inputs; folders are searched with all that is in them, and keep their structure.

    Args:
      given: files, folders and patterns such as `photos/*.jpg`; a file that is given twice is one job.
      output: a folder; for one file also the name of the file to write; None: beside the sources.
      suffix: what is added to names, before their ending.
      extension: of what is written, with or without dot; "auto": the source's own where it can be written, else png.
      say: called with a line on files that are left out.

    Raises:
      ArbsrError: an input does not exist, a folder holds no image, two inputs would become one file or one itself,
        the name or extension of what is to be written is of no kind that is written, or a package for it is missing.
    """
    check_extension(extension)
    skip = _results(output, suffix)
    found = list(dict(pair for text in given for pair in _expanded(text, skip, say)).items())
    if not found:
        raise ArbsrError("nothing to do: the inputs hold results of an earlier run alone")
    jobs = []
    for source, inner in found:
        name = result_name(inner, suffix, extension)
        jobs.append(Job(source, source.with_name(name.name) if output is None else output / name))
    if output is not None and output.suffix.lower() in (*READ, *WRITTEN, *OTHER_PICTURES) and not output.is_dir():
        jobs = [_single(jobs, output, extension)]
    _refuse_clashes(jobs)
    for job in jobs:
        if (
            job.target.suffix.lower() == jpeg_xl.ENDING
        ):  # a package that is missing is named before anything is computed
            loaders.openimageio(job.target)
            break
    return jobs


def check_extension(extension: str) -> None:
    """Refuse a kind of file that is not written.

    Raises:
      ArbsrError: the extension is of none that is.
    """
    if extension != BY_SOURCE and f".{extension.lstrip('.').lower()}" not in FORMATS:
        allowed = " ".join([BY_SOURCE, *(end[1:] for end in FORMATS)])
        raise ArbsrError(f"--ext {extension}: files of this kind are not written; allowed: {allowed}")


def check_one_input(output: Path | str, inputs: int) -> None:
    """Refuse several inputs for the name of one file.

    Raises:
      ArbsrError: there are several.
    """
    if inputs > 1:
        raise ArbsrError(f"{output} names one file, but there are {inputs} inputs; give a folder")


def _single(jobs: list[Job], output: Path, extension: str) -> Job:
    """The one job whose result has a name of its own."""
    ending, source = output.suffix.lower(), jobs[0].source
    check_one_input(output, len(jobs))
    is_film = source.suffix.lower() in film.SUFFIXES
    allowed = film.SUFFIXES if is_film else tuple(FORMATS)
    if ending not in allowed:
        what = "a film" if is_film else "a picture"
        raise ArbsrError(f"{output}: {what} is not written in files of this kind; allowed: {' '.join(allowed)}")
    if extension != BY_SOURCE and ending != f".{extension.lstrip('.').lower()}":
        raise ArbsrError(f"{output} and --ext {extension} name two kinds of file; leave one of them out")
    return Job(source, output)


def result_name(inner: Path, suffix: str, extension: str) -> Path:
    """What the result of a file is called; arguments as of `plan_jobs`."""
    ending = inner.suffix.lower()
    if ending not in film.SUFFIXES:
        own = ending if ending in FORMATS else ".png"
        ending = own if extension == BY_SOURCE else f".{extension.lstrip('.').lower()}"
    return inner.with_name(f"{inner.stem}{suffix}{ending}")


def _results(output: Path | None, suffix: str) -> Callable[[Path], bool]:
    """Whether a file in an input folder is the result of an earlier run."""
    if output is None:
        return lambda path: path.stem.endswith(suffix) or _is_beside_its_source(path)
    inside = output.absolute()
    return lambda path: inside in path.absolute().parents


def _is_beside_its_source(path: Path) -> bool:
    """Whether a name is that of a result at any scale or size, and a file of the name without it is there."""
    label = LABEL.search(path.stem)
    return bool(label) and any(path.parent.glob(f"{glob.escape(path.stem[: label.start()])}.*"))


def _expanded(text: str, is_result: Callable[[Path], bool], say: Say) -> Iterator[tuple[Path, Path]]:
    """Files that an argument stands for, and where they lie below the output folder."""
    path = Path(text)
    if path.is_dir():
        output_is_folder = is_result(path / "x")  # then its own files are what is wanted
        files = sorted(p for p in _walk(path, say) if output_is_folder or not is_result(p))
        images = [p for p in files if p.suffix.lower() in READ]
        left_out = [p.name for p in files if p.suffix.lower() not in READ]
        if not images and not any(_walk(path)):
            raise ArbsrError(f"{path}: an empty folder; files ending in {' '.join(READ)} are read")
        if not images and left_out:
            raise ArbsrError(f"{path}: no images in it; files ending in {' '.join(READ)} are read")
        if left_out:
            more = ", ..." if len(left_out) > NAMED else ""
            files_left = f"{len(left_out)} file{'s' * (len(left_out) > 1)} left out"
            say(f"{path}: {files_left}: {', '.join(left_out[:NAMED])}{more}")
        yield from ((image, image.relative_to(path)) for image in images)
    elif path.exists() or path.is_symlink() or not glob.has_magic(text):
        yield path, Path(path.name)  # what is missing is named when its turn comes, and the rest goes on
    else:
        matches = [Path(match) for match in sorted(glob.glob(text, recursive=True))]  # noqa: PTH207 (absolute patterns too)
        if not matches:
            raise ArbsrError(f"{text}: nothing matches")
        yield from ((match, Path(match.name)) for match in matches if not match.is_dir() and not is_result(match))


def _walk(folder: Path, say: Say = lambda line: None) -> Iterator[Path]:
    """All files below a folder; links to folders are not followed, so that none leads in circles."""

    def unreadable(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise ArbsrError(f"{folder}: {error.strerror}; give a folder that can be read")
        say(f"{error.filename}: {error.strerror}; left out with all inside")

    for place, _, names in os.walk(folder, onerror=unreadable):
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


def check_name(target: Path) -> None:
    """Refuse a name that no file system takes, before anything is computed.

    Raises:
      ArbsrError: it has more bytes than a name may have.
    """
    length = len(os.fsencode(target.name))
    if length > LONGEST_NAME:
        raise ArbsrError(f"{target}: a name of {length} bytes; at most {LONGEST_NAME} are allowed")


def refuse_existing(places: Iterable[Path]) -> None:
    """Refuse to overwrite files that no -o names.

    Raises:
      ArbsrError: one is there.
    """
    there = next((place for place in places if place.exists()), None)
    if there:
        raise ArbsrError(f"{there} is there already; remove it, or give -o or --skip-existing")
