"""Lines and progress bars on the terminal, or into a pipe."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

Tell = Callable[..., object]  # prints a line, as `print_line` does
PIPE_SECONDS = 10.0  # between lines of progress


class BrokenOutputError(Exception):
    """Nobody reads the output any more, as with `| head -1`."""


def print_line(line: str, stream: Any, write: Callable[..., object] = print) -> None:
    """Print one line; a full disc behind the stream loses the line and nothing else.

    Raises:
      BrokenOutputError: the pipe is closed.
    """
    try:
        write(line, file=stream)
        stream.flush()
    except BrokenPipeError:
        close_quietly(stream)
        raise BrokenOutputError from None
    except OSError:
        close_quietly(stream)


def close_quietly(stream: Any) -> None:
    """Let what is still buffered go nowhere, without a word at the end of the process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Lines(io.TextIOBase):
    """What a progress bar writes, as lines: for a pipe, where nothing moves."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._last = stream, ""

    def write(self, text: str) -> int:
        """A state of the bar, if it is a new one."""
        if (line := text.strip()) and line != self._last:
            print_line(line, self._stream)
            self._last = line
        return len(text)


@contextmanager
def image_bar(what: str, total: int) -> Iterator[tqdm]:
    """Images that are done, of how many, and the remaining time: on a terminal a bar, else a line now and then."""
    terminal = sys.stderr.isatty()
    layout = "{desc}: {n_fmt} of {total_fmt} images, {remaining} left" + ("{postfix}" if terminal else "")
    output: dict[str, Any] = {} if terminal else {"file": _Lines(sys.stderr), "mininterval": PIPE_SECONDS}
    bar = tqdm(desc=what, total=total, leave=not terminal, bar_format=layout, **output)
    with bar, show_compiling(bar):
        yield bar


@contextmanager
def show_compiling(bar: tqdm) -> Iterator[None]:
    """Say beside a progress bar that a program is being compiled; that time does not count for the remaining one."""

    def listener(seconds: float | None) -> None:
        if not bar.disable:
            bar.set_postfix_str("compiling, once on this machine" if seconds is None else "")
            bar.start_t += seconds or 0.0

    from arbsr_jax.compilation import reported  # which imports JAX, for seconds

    with reported(listener):
        yield
