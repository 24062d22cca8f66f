"""Upscalers along a dial, one for each image: how much it has suffered says which."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from arbsr_jax.dial import Dial
from arbsr_jax.imaging.damage import restore_strength
from arbsr_jax.imaging.pixels import to_8_bit_rgb
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.typing import Pixels


class AutoRestoring:
    """A dial that each image turns; upscalers of all strengths share their programs."""

    def __init__(self, path_or_name: str | Path, **settings: Any) -> None:
        """Take the dial of a model; settings as of `Upscaler`.

        Raises:
          ArbsrError: no such model, or it has no dial; a setting is not allowed.
        """
        dial = Dial.of(path_or_name)
        self.name = f"{dial.restoring.name}-auto"
        self.at = functools.cache(lambda strength: Upscaler(dial.at(strength), **settings))
        self.at(0.0)  # so that wrong settings are refused at once

    def strength_of(self, pixels: Pixels) -> float:
        """The strength for a picture [height, width, channels] of 8 or 16 bits."""
        return restore_strength(to_8_bit_rgb(pixels))


Upscalers = Upscaler | AutoRestoring
