"""What `arbsr upscale` runs, by its flags: on one machine, and in every worker of a cluster."""

from __future__ import annotations

import argparse
from typing import Any

from arbsr_jax import model_file
from arbsr_jax.app.batch import UpscaleRun
from arbsr_jax.app.options import UpscaleOptions
from arbsr_jax.app.targets import Target, parse_memory
from arbsr_jax.cli.conventions import parsed_restore
from arbsr_jax.inference.loading import AutoRestoring, Upscalers, load_model
from arbsr_jax.inference.resized_after import ResizedAfter
from arbsr_jax.models.config import DEFAULT_MODEL, DEFAULT_RESTORING
from arbsr_jax.terminal import Tell, print_line


def upscale_run(flags: argparse.Namespace, tell: Tell = print_line) -> UpscaleRun:
    """The run that a command's flags ask for.

    Raises:
      ArbsrError: no such model, or a setting is not allowed.
    """
    memory = parse_memory(flags.memory) if flags.memory else None
    settings: dict[str, Any] = {"tile": flags.tile, "memory": memory, "precision": flags.precision}
    restore, name = parsed_restore(flags.restore), flags.model or DEFAULT_MODEL
    restoring = flags.model or DEFAULT_RESTORING
    upscaler: Upscalers
    if isinstance(restore, str):
        upscaler = AutoRestoring(restoring, **settings)
    elif flags.resize_after:
        upscaler = ResizedAfter(model_file.read_model_file(name), **settings)
    else:
        upscaler = load_model(name if restore is None else restoring, restore, **settings)
    target = Target(flags.scale, flags.size, flags.aspect, square_pixels=flags.square_pixels)
    options = UpscaleOptions(
        overwrite=flags.output is not None,
        skip_existing=flags.skip_existing,
        dry_run=flags.dry_run,
        frames=flags.frames,
        explain=flags.explain,
        ensemble=flags.self_ensemble,
        consistent=flags.consistent,
        compare=bool(flags.json),
        quality=flags.quality,
        metadata=not flags.no_metadata,
    )
    return UpscaleRun(upscaler, target, options, tell)
