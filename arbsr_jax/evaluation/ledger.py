"""Scores of single images on disk, so that an interrupted sweep goes on where it stopped, and several share one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from arbsr_jax.ops.geometry import Scale

Scores = dict[str, float]


class Ledger:
    """One file for each process, a JSON object a line; what all of them hold is known to all that start later.

    Attributes:
      known: number of scores found on disk.
    """

    def __init__(self, path: Path | None, identity: str, process: int = 0) -> None:
        """Read what is there.

        Args:
          path: of the file of process 0; the others add their number. None: nothing is kept.
          identity: of what is scored and how; scores of another identity are of no use, and are passed over.
          process: number of this one.
        """
        self._identity = identity
        self._path = path and path.with_name(f"{path.stem}-{process}{path.suffix}" if process else path.name)
        self._scores: dict[tuple[str, ...], Scores] = {}
        if path and path.parent.is_dir():
            for file in sorted(path.parent.glob(f"{path.stem}*{path.suffix}")):
                self._read(file)
        self.known = len(self._scores)

    def find(self, key: tuple[str, ...]) -> Scores | None:
        """Scores of an image, if they are there."""
        return self._scores.get(key)

    def add(self, key: tuple[str, ...], scores: Scores) -> None:
        """Keep scores; on disk at once."""
        self._scores[key] = scores
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            line = json.dumps({"identity": self._identity, "key": key, "scores": scores})
            with self._path.open("a") as file:
                # A line that was cut off by a kill must not swallow this one.
                file.write(line + "\n" if file.tell() == 0 or self._ends_well() else "\n" + line + "\n")

    def _ends_well(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-1, 2)
            return file.read(1) == b"\n"

    def _read(self, file: Path) -> None:
        for line in file.read_text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # cut off
            if entry["identity"] == self._identity:
                self._scores[tuple(entry["key"])] = entry["scores"]


def image_key(dataset: str, image: str, scale: Scale, *pixels: UInt8[np.ndarray, "..."]) -> tuple[str, ...]:
    """What names the scores of an image at a scale: also its pixels, so that a changed file is scored anew."""
    digest = hashlib.blake2b(digest_size=8)
    for array in pixels:
        digest.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return dataset, image, f"{scale.horizontal}x{scale.vertical}", digest.hexdigest()
