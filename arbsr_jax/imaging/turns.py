"""Calls of libvips from several threads, whose messages it keeps in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import TypeVar

import pyvips

Returned = TypeVar("Returned")


class Turns:
    """Many threads at once, or one alone."""

    def __init__(self) -> None:
        """Nobody is inside."""
        self._changed, self._inside, self._taken = Condition(), 0, False

    @contextmanager
    def together(self) -> Iterator[None]:
        """With others that come so; it waits for the one that is alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """After all others left; who comes meanwhile waits."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken)
            self._taken = True
            self._changed.wait_for(lambda: not self._inside)
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()


_turns = Turns()


def by_libvips(call: Callable[[], Returned]) -> Returned:
    """What the call returns, at once with calls of other threads; it must do no harm if it is made twice.

    Raises:
      pyvips.Error: the call failed twice. The second time nothing else ran, so that the message is its own.
    """
    try:
        with _turns.together():
            return call()
    except pyvips.Error:
        with _turns.alone():
            pyvips.Error("")  # takes away what calls of others left
            return call()
