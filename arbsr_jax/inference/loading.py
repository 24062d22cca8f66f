"""The way in: a model file, or a shipped model by its name, ready for use, restoring by a dial if asked."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from arbsr_jax import model_file
from arbsr_jax.dial import Dial
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.damage import restore_strength
from arbsr_jax.imaging.pixels import to_8_bit_rgb
from arbsr_jax.imaging.scale import Number
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.typing import Pixels


def load_model(
    path_or_name: str | Path,
    restore: Number | None = None,
    *,
    tile: int | None = None,
    memory: int | None = None,
    precision: str | None = None,
    share_programs: bool = True,
    **unknown: object,
) -> Upscaler:
    """A model file, or a shipped model by its name, ready to `upscale`.

    Args:
      path_or_name: of the model; `hf://user/repository` for one of the Hugging Face Hub.
      restore: how much of noise and JPEG artefacts to take away, from 0 to 1, by a `Dial`.
      tile: see `Upscaler`.
      memory: see `Upscaler`.
      precision: see `Upscaler`.
      share_programs: see `Upscaler`.
      unknown: must be empty.

    Raises:
      ArbsrError: no such model, the file is damaged, it has no dial, or a setting is unknown or not allowed.
    """
    if unknown:
        allowed = "restore, tile, memory, precision, share_programs"
        raise ArbsrError(f"setting {next(iter(unknown))!r} is unknown; allowed: {allowed}")
    model = model_file.read_model_file(path_or_name) if restore is None else Dial.of(path_or_name).at(restore)
    return Upscaler(model, tile, memory, precision, share_programs)


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
