"""Much work on many machines: Ray Data hands it to actors, one for each device, which work as one machine does.

All machines see the same folders or object stores. If a worker dies, Ray starts another one, which takes up the work in
its hands.
"""

from __future__ import annotations

import argparse
import logging
import math
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from arbsr_jax.app.jobs import Job
from arbsr_jax.app.outcomes import FAILED, SKIPPED, in_total
from arbsr_jax.cli import object_store
from arbsr_jax.errors import ArbsrError, missing_extra, reason
from arbsr_jax.terminal import print_line

AT_ONCE = 4  # rows in a worker's hands: what is done again if it dies
THIS_MACHINE = "ray"
HELP = "share the work in a cluster of Ray: ray (this machine's own) or ray://HOST:PORT (needs the extra `ray`)"
Row = dict[str, Any]


def check_engine(on: str) -> None:
    """Refuse an engine that is none.

    Raises:
      ArbsrError: the address is not understood.
    """
    if not re.fullmatch(r"ray(://[\w.-]+:\d+)?", on):
        raise ArbsrError(f"--on {on} is not understood; give ray, or ray://HOST:PORT")


class Worker:
    """A process with a network of its own, which enlarges file after file."""

    def __init__(self, flags: argparse.Namespace) -> None:
        from arbsr_jax import compilation
        from arbsr_jax.cli.setup import upscale_run

        compilation.keep_programs_on_disk()
        self._flags, self._lines = flags, list[tuple[str, bool]]()
        self._run = upscale_run(flags, self._tell)

    def _tell(self, line: str, stream: Any, *_: object) -> None:
        self._lines.append((line, stream is sys.stderr))

    def __call__(self, row: Row) -> Row:
        """What became of a file, and what is said of it."""
        link = row["source"], row["target"]
        if any(map(object_store.is_remote, link)):
            entry = self._staged(link)
        else:
            (entry,) = self._run.run([Job(*map(Path, link))])
        lines, self._lines[:] = list(self._lines), []
        return {"number": row["number"], "entry": entry, "lines": lines}

    def _staged(self, link: object_store.Link) -> Row:
        names = {"source": link[0], "target": link[1]}
        try:
            if self._flags.skip_existing and object_store.exists(link[1]):
                self._lines.append((f"{link[1]} is there already", False))
                return names | {"status": SKIPPED}
            with object_store.staged(link) as job:
                (entry,) = self._run.run([job])
                for local, address in zip(job, link, strict=True):
                    self._lines[:] = [(line.replace(str(local), address), failed) for line, failed in self._lines]
                    entry = {k: v.replace(str(local), address) if isinstance(v, str) else v for k, v in entry.items()}
            return entry
        except ArbsrError as error:
            self._lines[:] = [(f"arbsr upscale: {error}", True)]
            return names | {"status": FAILED, "error": str(error)}


def run_links(flags: argparse.Namespace, links: Sequence[object_store.Link]) -> list[Row]:
    """The outcome of every source, in their order; lines are printed as files are done.

    Raises:
      ArbsrError: the extra `ray` is not installed, or the cluster cannot be reached.
    """
    rows = [{"number": n, "source": source, "target": target} for n, (source, target) in enumerate(links)]
    entries: dict[int, Row] = {}
    for row in on_cluster(Worker, (flags,), rows, flags.on) if flags.on else map(Worker(flags), rows):
        entries[row["number"]] = row["entry"]
        for line, failed in row["lines"]:
            print_line(line, sys.stderr if failed else sys.stdout)
    ordered = [entries[number] for number in sorted(entries)]
    if len(links) > 1:
        print_line(in_total(ordered), sys.stdout)
    return ordered


def on_cluster(worker: type[Any], arguments: tuple[Any, ...], rows: Sequence[Row], on: str) -> Iterator[Row]:
    """What workers, made with those arguments, return for the rows, as they come.

    Raises:
      ArbsrError: the extra `ray` is not installed, or the cluster cannot be reached.
    """
    try:
        import ray  # pyright: ignore[reportMissingImports] (an extra)
    except ImportError:
        raise ArbsrError(missing_extra("Ray", "ray")) from None
    try:
        address = None if on == THIS_MACHINE else on
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=True)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ArbsrError(f"--on {on}: the cluster cannot be reached ({reason(error)})") from None
    gpus = ray.cluster_resources().get("GPU", 0)
    workers = max(1, min(len(rows), int(gpus or ray.cluster_resources().get("CPU", 1))))
    ray.data.DataContext.get_current().enable_progress_bars = False
    blocks = max(1, math.ceil(len(rows) / AT_ONCE))
    done = ray.data.from_items(list(rows), override_num_blocks=blocks).map(
        worker,
        fn_constructor_args=arguments,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=1,
        num_gpus=1 if gpus else None,
        max_restarts=-1,
        max_task_retries=-1,
    )
    yield from done.iter_rows()
