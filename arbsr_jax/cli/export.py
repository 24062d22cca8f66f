"""`arbsr export MODEL -o FILE`: a network as one file for other programs: ONNX, a package of darktable, StableHLO."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from arbsr_jax.cli.conventions import DONE, check_ending
from arbsr_jax.errors import ArbsrError
from arbsr_jax.files import atomic_write
from arbsr_jax.imaging.scale import Scale, Size

ONNX, STABLEHLO, DARKTABLE = ".onnx", ".stablehlo", ".dtmodel"
FACTORS = [str(factor) for factor in range(2, 9)]
ENDINGS = {ONNX: "ONNX", STABLEHLO: "StableHLO", DARKTABLE: "a package for darktable"}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("model", help="a .safetensors file or the name of a shipped model")
    words = "the file to write: .onnx for every runtime of ONNX, .dtmodel for darktable, .stablehlo for JAX"
    parser.add_argument(
        "--restore", type=float, metavar="0..1", help="a model with a dial: what it is set to (default: 1)"
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("-o", "--output", type=Path, metavar="FILE", help=words)
    words = "write a repository for the Hugging Face Hub: model file, config and card (needs the extra `hub`)"
    target.add_argument("--hub", type=Path, metavar="DIR", help=words)
    parser.add_argument("--float16", action="store_true", help="store weights in half the bytes (.onnx)")
    words = "take LR tiles of this one size, width x height (.onnx; default: any size)"
    parser.add_argument("--tile", metavar="128x128", help=words)
    words = "for this scale alone (.onnx): 2 to 8 with field upsampling; with --plain any, as 2.5x3.5"
    parser.add_argument("--scale", metavar="S", help=words)
    words = (
        "one input [1, 3, height, width] of 0 to 1 and one output, as other programs want them (.onnx, needs --scale)"
    )
    parser.add_argument("--plain", action="store_true", help=words)
    words = "x2 and x4 as a package for darktable 5.6 and later; its name is that of the .dtmodel file"
    parser.add_argument("--darktable", action="store_true", help=words)


def check(flags: argparse.Namespace) -> None:
    """What can be said of the flags before JAX is imported.

    Raises:
      ArbsrError: a flag is wrong, or lacks another.
    """
    scale = Scale.of(flags.scale) if flags.scale else None
    if flags.hub:
        if scale or flags.plain or flags.darktable or flags.tile or flags.float16:
            raise ArbsrError("--hub writes the model itself; leave out the flags of other kinds of files")
        return
    check_ending(flags.output, ENDINGS)
    if flags.darktable != (flags.output.suffix.lower() == DARKTABLE):
        raise ArbsrError(f"{flags.output}: --darktable and a file NAME{DARKTABLE} belong together; give both")
    if flags.darktable and (scale or flags.plain or flags.tile):
        raise ArbsrError("--darktable is for x2 and x4 and any size; leave out --scale, --plain and --tile")
    if flags.plain and (scale is None or flags.tile):
        raise ArbsrError("--plain is for one scale and any size; give --scale, as in --scale 2.5x3.5, and no --tile")
    if scale and not flags.plain and flags.scale not in FACTORS:
        raise ArbsrError(f"--scale {flags.scale} needs --plain; without it: {', '.join(FACTORS)}")


def run(flags: argparse.Namespace) -> int:
    """Export one model.

    Raises:
      ArbsrError: there is no such model, the file's ending is not of its kind, or a flag is not of that ending.
    """
    from arbsr_jax.dial import Dial
    from arbsr_jax.hub import in_words
    from arbsr_jax.inference.export import LIFE, PLATFORMS, export_model
    from arbsr_jax.model_file import find_model, read_model_file
    from arbsr_jax.to_onnx.darktable import to_darktable
    from arbsr_jax.to_onnx.onnx_file import to_onnx, to_plain_onnx

    model = read_model_file(flags.model) if flags.restore is None else Dial.of(flags.model).at(flags.restore)
    if flags.hub:
        with in_words(str(flags.hub)):
            from arbsr_jax.inference.hub_model import HubModel

            HubModel(model).save_pretrained(flags.hub)
        print(f"wrote {flags.hub}: {', '.join(sorted(path.name for path in flags.hub.iterdir()))}")
        return DONE
    path, half = find_model(flags.model), flags.float16
    if flags.darktable:
        content, words = to_darktable(model, path, flags.output.stem, half=half), "darktable 5.6 and later"
    elif flags.output.suffix.lower() == ONNX:
        tile = Size.of(flags.tile) if flags.tile else None
        if flags.plain:
            content = to_plain_onnx(model, path, Scale.of(flags.scale), half=half)
        else:
            content = to_onnx(model, path, half=half, tile=tile, factor=int(flags.scale or 0))
        words = (f"tiles of {tile}" if tile else "any size") + (f" at scale {flags.scale}" if flags.scale else "")
    else:
        if half or flags.tile or flags.scale:
            raise ArbsrError(f"{flags.output}: --float16, --tile, --scale and --plain are for {ONNX} files")
        today = datetime.now(UTC).date()
        words = f"{', '.join(PLATFORMS)}; JAX promises to read it until {today + LIFE}: keep ONNX for longer"
        content = export_model(model, today)
    flags.output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(flags.output) as partial:
        partial.write_bytes(content)
    print(f"wrote {flags.output}: {len(content) / 1e6:.1f} MB, for {words}")
    return DONE
