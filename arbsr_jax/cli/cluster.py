"""Many files on many machines: Ray Data hands them to actors, one for each device, which work as one machine does.

All machines see the same folders. If a worker dies, Ray starts another one, which takes up the files in its hands.
"""

from __future__ import annotations

import argparse
import logging
import math
import sys
from pathlib import Path
from typing import Any

from arbsr_jax.app.jobs import Job
from arbsr_jax.app.outcomes import in_total
from arbsr_jax.errors import ArbsrError, missing_extra, reason
from arbsr_jax.terminal import print_line

FILES_AT_ONCE = 4  # in a worker's hands: what is done again if it dies
THIS_MACHINE = "ray"


class Worker:
    """A process of the cluster with a network of its own."""

    def __init__(self, flags: argparse.Namespace) -> None:
        from arbsr_jax import compilation
        from arbsr_jax.cli.setup import upscale_run

        compilation.keep_programs_on_disk()
        self._lines: list[tuple[str, bool]] = []
        self._batch = upscale_run(flags, self._tell)

    def _tell(self, line: str, stream: Any, *_: object) -> None:
        self._lines.append((line, stream is sys.stderr))

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """What became of a file, and what is said of it."""
        (entry,) = self._batch.run([Job(Path(row["source"]), Path(row["target"]))])
        lines, self._lines[:] = list(self._lines), []
        return {"number": row["number"], "entry": entry, "lines": lines}


def run_on_cluster(flags: argparse.Namespace, jobs: list[Job]) -> list[dict[str, Any]]:
    """The outcome of every job, in their order; lines are printed as files are done.

    Raises:
      ArbsrError: the extra `ray` is not installed, or the cluster cannot be reached.
    """
    try:
        import ray  # pyright: ignore[reportMissingImports] (an extra)
    except ImportError:
        raise ArbsrError(missing_extra("Ray", "ray")) from None
    try:
        address = None if flags.on == THIS_MACHINE else flags.on
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=True)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ArbsrError(f"--on {flags.on}: the cluster cannot be reached ({reason(error)})") from None
    rows = [{"number": n, "source": str(job.source), "target": str(job.target)} for n, job in enumerate(jobs)]
    gpus = ray.cluster_resources().get("GPU", 0)
    workers = max(1, min(len(jobs), int(gpus or ray.cluster_resources().get("CPU", 1))))
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    worker: Any = Worker  # Ray makes one for each actor
    blocks = math.ceil(len(rows) / FILES_AT_ONCE)
    done = ray.data.from_items(rows, override_num_blocks=blocks).map(
        worker,
        fn_constructor_args=(flags,),
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=1,
        num_gpus=1 if gpus else None,
        max_restarts=-1,
        max_task_retries=-1,
    )
    entries: dict[int, dict[str, Any]] = {}
    for row in done.iter_rows():
        entries[row["number"]] = row["entry"]
        for line, failed in row["lines"]:
            print_line(line, sys.stderr if failed else sys.stdout)
    ordered = [entries[number] for number in sorted(entries)]
    if len(jobs) > 1:
        print_line(in_total(ordered), sys.stdout)
    return ordered
