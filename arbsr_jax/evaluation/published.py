"""Numbers that papers report, from the one file that holds them."""

from __future__ import annotations

import json
import math
from importlib import resources
from typing import Any, NamedTuple

from arbsr_jax.imaging.metrics import Quality


class Published(NamedTuple):
    """One number of a paper's table.

    Attributes:
      source: paper and table.
      method: as the table names it.
      dataset: as ours are named.
      column: a scale as "x2", or the sweep that was averaged over.
      protocol: the one of ours that it follows.
      psnr: in dB, on Y.
      ssim: on Y; None if the table has none.
    """

    source: str
    method: str
    dataset: str
    column: str
    protocol: str
    psnr: float
    ssim: float | None

    @property
    def quality(self) -> Quality:
        """The number itself; SSIM is nan if the table has none."""
        return Quality(self.psnr, math.nan if self.ssim is None else self.ssim)


class PublishedCost(NamedTuple):
    """What a network costs by a paper's table, on the paper's GPU.

    Attributes:
      source: paper and table.
      method: as the table names it.
      parameters_m: in units of 1,024,000, by which the paper counts.
      memory_gb: while it runs.
      seconds: for an image.
    """

    source: str
    method: str
    parameters_m: float
    memory_gb: float
    seconds: float


def published(protocol: str | None = None) -> list[Published]:
    """All scores, or those that follow a protocol."""
    entries = [Published(**entry) for entry in _content()["scores"]]
    return [entry for entry in entries if protocol in (None, entry.protocol)]


def published_costs() -> list[PublishedCost]:
    """All costs."""
    return [PublishedCost(**entry) for entry in _content()["costs"]]


def _content() -> dict[str, Any]:
    return json.loads((resources.files("arbsr_jax.evaluation") / "published.json").read_text())
