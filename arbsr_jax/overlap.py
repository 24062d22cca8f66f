"""Reading, computing and writing at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
Output = TypeVar("Output")
END: Any = object()


def overlapped(source: Iterator[Item], work: Callable[[Item], Output], sink: Callable[[Output], object]) -> None:
    """`sink(work(item))` for every item, in order; the source and the sink have a thread each.

    One item is read ahead and one result is being written, so three are alive. An exception of any of the three ends
    all, and is raised here.
    """
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        written: Future[object] | None = None
        read = reader.submit(next, source, END)
        while (item := read.result()) is not END:
            read = reader.submit(next, source, END)
            result = work(item)
            if written:
                written.result()
            written = writer.submit(sink, result)
        if written:
            written.result()
