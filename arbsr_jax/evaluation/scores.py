"""Scores of single images: one record for all of the program, and a cache of them on disk.

With the cache an interrupted sweep goes on where it stopped, and several processes share one.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from arbsr_jax.files import json_text
from arbsr_jax.imaging.metrics import Quality
from arbsr_jax.imaging.scale import Scale


class Scores(NamedTuple):
    """Of one image, or means over several.

    Attributes:
      ours: of the method that is scored.
      bicubic: of bicubic interpolation beside it.
      seconds: per image, compilation excluded.
    """

    ours: Quality
    bicubic: Quality
    seconds: float

    @property
    def fields(self) -> dict[str, float]:
        """As files hold them: psnr, ssim, bicubic_psnr, bicubic_ssim, seconds; lpips and bicubic_lpips if computed."""
        values = {"psnr": self.ours.psnr, "ssim": self.ours.ssim}
        values |= {"bicubic_psnr": self.bicubic.psnr, "bicubic_ssim": self.bicubic.ssim, "seconds": self.seconds}
        if self.ours.lpips is not None and self.bicubic.lpips is not None:
            values |= {"lpips": self.ours.lpips, "bicubic_lpips": self.bicubic.lpips}
        return values

    @classmethod
    def of_fields(cls, values: Mapping[str, Any]) -> Scores:
        """The inverse of `fields`; a PSNR of null is infinite, as JSON has no word for that.

        Raises:
          KeyError: a score is missing.
        """
        psnr, bicubic_psnr = (math.inf if values[name] is None else values[name] for name in ("psnr", "bicubic_psnr"))
        ours = Quality(psnr, values["ssim"], values.get("lpips"))
        bicubic = Quality(bicubic_psnr, values["bicubic_ssim"], values.get("bicubic_lpips"))
        return cls(ours, bicubic, values["seconds"])

    @property
    def exact(self) -> bool:
        """Whether a picture equals HR, as of a flat image: its PSNR is infinite and has no place in a mean."""
        return math.isinf(self.ours.psnr) or math.isinf(self.bicubic.psnr)

    @classmethod
    def mean(cls, scores: Sequence[Scores]) -> Scores:
        """The mean of each score; LPIPS only if all have it."""
        fields = [one.fields for one in scores]
        names = set.intersection(*(set(one) for one in fields))
        return cls.of_fields({name: float(np.mean([one[name] for one in fields])) for name in names})


class ScoreCache:
    """One file for each process, a JSON object a line; all of them are known to all that start later.

    Attributes:
      known: number of scores found on disk.
    """

    def __init__(self, path: Path | None = None, identity: str = "", process: int = 0) -> None:
        """Read what is there.

        Args:
          path: of the file of process 0; the others add their number. None: nothing is kept on disk.
          identity: of the method and its settings; scores of another identity are passed over.
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
            line = json_text({"identity": self._identity, "key": key, "scores": scores.fields})
            with self._path.open("a") as file:
                # A line that was cut off by a kill must not swallow this one.
                file.write(line + "\n" if file.tell() == 0 or self._ends_a_line() else "\n" + line + "\n")

    def _ends_a_line(self) -> bool:
        assert self._path is not None
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
                self._scores[tuple(entry["key"])] = Scores.of_fields(entry["scores"])


def image_key(dataset: str, image: str, scale: Scale, *pixels: UInt8[np.ndarray, "..."]) -> tuple[str, ...]:
    """The key of an image's scores at a scale: with a hash of its pixels, so that a changed file is scored again."""
    digest = hashlib.blake2b(digest_size=8)
    for array in pixels:
        digest.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return dataset, image, f"{scale.horizontal}x{scale.vertical}", digest.hexdigest()
