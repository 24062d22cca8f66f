"""`arbsr models`: the shipped models, their origin and their scores."""

from __future__ import annotations

import argparse
import hashlib
import textwrap
from pathlib import Path

from arbsr_jax.cli.conventions import DONE

NOTICE_SHOWN = 220  # characters


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("files", nargs="*", metavar="MODEL", help="names or files (default: all that are shipped)")


def run(flags: argparse.Namespace) -> int:
    """Print a few lines for every model.

    Raises:
      ArbsrError: a file cannot be read.
    """
    from arbsr_jax.model_file import SUFFIX, shipped_models

    shipped = shipped_models()
    for name in flags.files or shipped:
        print("\n".join(describe(name, shipped.get(name, Path(name)))))
    if not flags.files:
        print(f"More: any {SUFFIX} file of train.py or `arbsr convert` works wherever a name does.")
    return DONE


def describe(name: str, path: Path) -> list[str]:
    """A model file's own account.

    Raises:
      ArbsrError: it cannot be read.
    """
    from arbsr_jax.model_file import load_model
    from arbsr_jax.models.parameters import count_parameters

    model = load_model(path)
    config, origin = model.config, model.provenance
    kind = f"{config.backbone.upper()} x{config.scale}" if config.scale else f"Arb{config.backbone.upper()}"
    kind += " with field upsampling" * (config.upsampler == "field")
    size = f"{config.blocks} blocks of {config.channels} channels, {count_parameters(model.parameters):,} parameters"
    lines = [
        name,
        f"  network   {kind}, {size}, {path.stat().st_size / 1e6:.1f} MB",
        f"  sha256    {hashlib.sha256(path.read_bytes()).hexdigest()}",
        f"  licence   {origin.get('licence', 'not stated')}",
    ]
    made_by = [f"{origin['steps']} steps"] if "steps" in origin else []
    made_by += [f"data {', '.join(origin['data'])}"] if "data" in origin else []
    start = origin.get("config", {}).get("init_from")
    made_by += [f"started from {start}"] if start else []
    made_by += [f"converted from {origin['converted_from']}"] if "converted_from" in origin else []
    lines += [f"  made by   {'; '.join(made_by)}"] if made_by else []
    lines += [f"  scores    {_scores(origin['scores'])}"] if "scores" in origin else []
    notice = textwrap.shorten(origin.get("notice", ""), NOTICE_SHOWN, placeholder=" ... (whole in the file)")
    return lines + [f"  {name:<9} {text}" for name, text in (("note", origin.get("note")), ("notice", notice)) if text]


def _scores(scores: dict) -> str:
    """PSNR by dataset and scale, as `recipes/ship.py` puts them there."""
    rows = [f"{row['dataset']} x{row['scale']} {row['psnr']:.2f} dB" for row in scores["rows"]]
    return f"{', '.join(rows)} (Y, protocol {scores['protocol']})"
