"""What becomes of each file of a run, and its pictures on their way."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from arbsr_jax.app.jobs import Job
from arbsr_jax.app.photo import Photo
from arbsr_jax.errors import ArbsrError, reason
from arbsr_jax.files import PARTIAL
from arbsr_jax.inference.consistency import ALLOWED, back_project, reconstruction_error
from arbsr_jax.inference.stats import Stats
from arbsr_jax.typing import Pixels

DIFFERENCE = "downscaled_difference"  # in `--json`: grey levels between the source and the result made small again
DONE, DRY_RUN, SKIPPED, FAILED = "done", "would do", "there already", "failed"


@dataclass
class Outcome:
    """What became of a file so far.

    Attributes:
      number: of the file in this run.
      job: source and target.
      entry: for `--json`; it has a status once there is nothing more to do.
      remarks: what is to be said of it, in words.
      seconds: spent on it.
      stats: what enlarging cost.
    """

    number: int
    job: Job
    entry: dict[str, Any]
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    stats: Stats = field(default_factory=Stats)

    @contextmanager
    def part(self, failure: dict[str, Any], stats: Stats | None = None) -> Iterator[None]:
        """Time a part of the work, count what it costs by an upscaler's stats, and note in `failure` why it fails."""
        begin, before = time.perf_counter(), stats.copy() if stats else Stats()
        try:
            yield
        except Exception as error:
            failure |= {"status": FAILED, "error": self._in_words(error)}
        self.seconds += time.perf_counter() - begin
        self.stats += (stats or Stats()) - before

    def _in_words(self, error: Exception) -> str:
        """Why a file fails, with the name of the file that it is about."""
        if isinstance(error, OSError) and error.strerror:
            at = str(error.filename or "")
            name = self.job.target if at.endswith(PARTIAL) else at or self.job.source
            return f"{name}: {error.strerror}"
        if not isinstance(error, ArbsrError):
            return f"{self.job.source}: {type(error).__name__}, a fault of this program: {reason(error)}"
        words = str(error)
        names_a_file = any(str(path) in words for path in (self.job.source, self.job.target))
        return words if names_a_file else f"{self.job.source}: {words}"

    def check_consistency(self, large: Pixels, small: Pixels, *, consistent: bool) -> Pixels:
        """A result, projected if it shall be consistent; how far it is from its source goes into the entry."""
        if large.shape == small.shape:
            return large
        large, apart = back_project(large, small) if consistent else (large, reconstruction_error(large, small))
        before = self.entry.get(DIFFERENCE, {})
        self.entry[DIFFERENCE] = {
            name: round(max(before.get(name, 0.0), value), 4) for name, value in apart._asdict().items()
        }
        if consistent and apart.largest > ALLOWED:
            self.remark(f"made small again it is {apart.largest:.1f} grey levels off: light is clipped there")
        return large

    def restored(self, strength: float | None) -> None:
        """Note what the dial was set to for a picture of it."""
        if strength is not None:
            self.entry["restore"] = max(strength, self.entry.get("restore", 0.0))
            self.remark(f"restore {strength:g}")

    def remark(self, *remarks: str) -> None:
        """Say each once."""
        self.remarks += [remark for remark in remarks if remark not in self.remarks]

    def line(self, how: str) -> tuple[str, Any]:
        """What is said of the file, and where; `how` it was enlarged."""
        entry, target = self.entry, self.job.target
        if entry["status"] == FAILED:
            return f"arbsr upscale: {entry['error']}", sys.stderr
        if entry["status"] == SKIPPED:
            return f"{target} is there already", sys.stdout
        before, after = ("x".join(map(str, entry[key])) for key in ("from", "to"))
        words = "; ".join([how, *self.remarks])
        seconds = f" in {entry['seconds']:.1f} s" if "seconds" in entry else ""
        plan = f"\n  {entry['plan']}" if "plan" in entry else ""
        return f"{self.job.source} {before} -> {target} {after}{seconds} ({words}){plan}", sys.stdout


def in_total(entries: list[dict[str, Any]]) -> str:
    """One line on a run: how many files ended how."""
    words = {DONE: "enlarged", DRY_RUN: "to enlarge", SKIPPED: "there already", FAILED: "failed"}
    counts = {status: sum(entry["status"] == status for entry in entries) for status in words}
    return ", ".join(f"{count} {words[status]}" for status, count in counts.items() if count)


class PictureStep(NamedTuple):
    """A picture on its way; without one, the end of a file, and why there is no more of it.

    Attributes:
      outcome: of its file.
      photo: the picture.
      place: of its file to write.
      share: number of the frame, and how many there are.
      failure: why there are no more.
      restore: what the dial is set to for it, if each picture turns it.
    """

    outcome: Outcome
    photo: Photo | None = None
    place: Path = Path()
    share: tuple[int, int] = (0, 1)
    failure: Mapping[str, Any] = MappingProxyType({})
    restore: float | None = None
