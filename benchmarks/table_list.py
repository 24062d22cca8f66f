"""The tables of documents, by name, and how one is made of a CSV file."""

from __future__ import annotations

import functools
from collections.abc import Callable

from benchmarks import record

Table = list[list[str]]
TABLES: dict[str, Callable[[], Table]] = {}  # by the names that documents call them


def listed(make: Callable[[], Table]) -> Callable[[], Table]:
    """Make a function's table one of `TABLES`."""
    TABLES[make.__name__] = functools.cache(make)  # a document and a file of its own may ask for it
    return make


def columns(name: str, fields: dict[str, tuple[str, str]], **chosen: str) -> Table:
    """A CSV file's rows with some of its columns.

    Args:
      name: of the file.
      fields: heading -> (column of the file, format of its numbers; empty for text).
      chosen: values that rows must have.
    """
    table = [list(fields)]
    for row in record.read(name):
        if all(row.get(field) == value for field, value in chosen.items()):
            cells = [(row.get(field, ""), layout) for field, layout in fields.values()]
            table.append([format(float(v), layout) if v and layout else v or "-" for v, layout in cells])
    return table
