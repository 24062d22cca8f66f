"""The way in: a model file, or a shipped model by its name, ready for use."""

from __future__ import annotations

from pathlib import Path

from arbsr_jax import model_file
from arbsr_jax.dial import Dial
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import Number
from arbsr_jax.inference.upscaler import Upscaler


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
