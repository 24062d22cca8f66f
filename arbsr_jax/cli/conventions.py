"""What all commands share: exit codes, streams, memory, names of files to write, flags of several processes."""

from __future__ import annotations

import argparse
import ctypes
import io
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path

from arbsr_jax.errors import ArbsrError
from arbsr_jax.files import STREAM
from arbsr_jax.models.config import DEFAULT_RESTORING

DONE, SOME_FAILED, WRONG_USAGE = 0, 1, 2
STDERR = 2  # its descriptor
MALLOC_LIMITS = {-1: 2**26, -3: 2**25}  # bytes: M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
AUTO = "auto"  # of --restore: what suits each image


def prepare_streams() -> None:
    """Closed streams become nowhere, and what a terminal's encoding lacks appears with backslashes.

    A closed descriptor must not stay so: the next file that is opened would be where libraries write their messages.
    """
    while (nowhere := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        os.set_inheritable(nowhere, True)
    os.close(nowhere)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123 (as long as the process)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a test may have put something else there
            stream.reconfigure(errors="backslashreplace")


def keep_freed_memory() -> None:
    """The memory of one array serves the next, up to 64 MiB.

    glibc gives it back to the system, which clears every page of it again: sweeps by bicubic feel it.
    """
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt:
        for name, size in MALLOC_LIMITS.items():
            mallopt(name, size)


@contextmanager
def lines_beside(path: Path | None) -> Iterator[None]:
    """If a command's JSON goes to standard output, its lines go to standard error meanwhile."""
    with redirect_stdout(sys.stderr) if path and str(path) == STREAM else nullcontext():
        yield


def check_ending(path: Path, endings: Mapping[str, str]) -> None:
    """Refuse to write a kind of file under the ending of another.

    Args:
      path: the file to write.
      endings: what is written, by ending.

    Raises:
      ArbsrError: the ending is none of them.
    """
    if path.suffix.lower() not in endings:
        allowed = "; ".join(f"{ending or 'no ending'} ({words})" for ending, words in endings.items())
        raise ArbsrError(f"{path}: files of this kind are not written; allowed: {allowed}")


def add_restore_flag(parser: argparse.ArgumentParser) -> None:
    """`--restore`, parsed by `parsed_restore`."""
    words = f"take noise and JPEG artefacts away: 0 (nothing) to 1, or {AUTO}: each image as much as it needs"
    parser.add_argument("--restore", metavar=f"0..1|{AUTO}", help=f"{words} (model: {DEFAULT_RESTORING})")


def parsed_restore(text: str | None) -> float | str | None:
    """A strength; a text, which is `AUTO`; or None where nothing is asked for.

    Raises:
      ArbsrError: the text is none of them.
    """
    if text is None or text == AUTO:
        return text
    try:
        strength = float(text)
    except ValueError:
        strength = math.nan
    if not 0 <= strength <= 1:
        raise ArbsrError(f"--restore {text} is not understood; give 0 to 1, or {AUTO}")
    return strength


def add_process_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of `parallel.initialize_distributed`."""
    parser.add_argument("--coordinator", help="host:port of process 0, if several processes share the work")
    parser.add_argument("--processes", type=int, help="how many share it")
    parser.add_argument("--process", type=int, help="number of this one, from 0")
