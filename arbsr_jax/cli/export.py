"""`arbsr export MODEL -o FILE.stablehlo`: a network as one file that any JAX runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from arbsr_jax.cli.conventions import DONE, check_ending
from arbsr_jax.files import atomic_write
from arbsr_jax.inference.export import PLATFORMS, export_model
from arbsr_jax.model_file import load_model

ENDINGS = {".stablehlo": "StableHLO"}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("model", help="a .safetensors file or the name of a shipped model")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write")


def run(flags: argparse.Namespace) -> int:
    """Export one model.

    Raises:
      ArbsrError: there is no such model, or the file's ending is not of its kind.
    """
    check_ending(flags.output, ENDINGS)
    content = export_model(load_model(flags.model))
    flags.output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(flags.output) as partial:
        partial.write_bytes(content)
    print(f"wrote {flags.output}: {len(content) / 1e6:.1f} MB, for {', '.join(PLATFORMS)}")
    return DONE
