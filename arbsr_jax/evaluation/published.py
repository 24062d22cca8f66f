"""Numbers that papers report, from the one file that holds them."""

from __future__ import annotations

import json
from importlib import resources
from typing import NamedTuple

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
      ssim: on Y.
    """

    source: str
    method: str
    dataset: str
    column: str
    protocol: str
    psnr: float
    ssim: float

    @property
    def quality(self) -> Quality:
        """The number itself."""
        return Quality(self.psnr, self.ssim)


def published(protocol: str | None = None) -> list[Published]:
    """All that is known, or what follows a protocol."""
    text = (resources.files("arbsr_jax.evaluation") / "published.json").read_text()
    entries = [Published(**entry) for entry in json.loads(text)]
    return [entry for entry in entries if protocol in (None, entry.protocol)]
