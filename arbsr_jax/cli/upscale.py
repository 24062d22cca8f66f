"""`arbsr upscale IN... -o OUT --scale 2.5x3.5 | --size 1920x1080`."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from arbsr_jax.cli.exit_codes import DONE, SOME_FAILED
from arbsr_jax.data.images import list_images, read_rgb
from arbsr_jax.errors import ArbsrError
from arbsr_jax.inference.upscaler import load_model
from arbsr_jax.ops.geometry import Scale

HELP = "Enlarge images by any pair of factors, or to an exact size."


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("inputs", type=Path, nargs="+", metavar="IN", help="image files, or folders of them")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="folder for the PNG results")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--scale", help="2.5, or 2.5x3.5 for horizontal x vertical (width x height)")
    target.add_argument("--size", help="width x height in pixels, for example 1920x1080")
    parser.add_argument("--tile", type=int, help="side of LR tiles in pixels; 0: whole images (default: what suits)")
    parser.add_argument("--memory", default="1G", help="what computing may take, as in 512M or 2G (default: 1G)")
    parser.add_argument("--model", default="arbedsr-tiny", help="a .safetensors file or the name of a shipped model")


def run(flags: argparse.Namespace) -> int:
    """Upscale every input; a bad one is named and the rest goes on.

    Raises:
      ArbsrError: a flag is wrong, or a folder is missing or empty.
    """
    size = _parse_size(flags.size) if flags.size else None
    scale = Scale.of(flags.scale) if flags.scale else None
    paths = [path for given in flags.inputs for path in (list_images(given) if given.is_dir() else [given])]
    upscaler = load_model(flags.model, flags.tile, _parse_memory(flags.memory))
    flags.output.mkdir(parents=True, exist_ok=True)
    failed = 0
    for path in tqdm(paths, unit="image", leave=False, disable=None):
        try:
            image = read_rgb(path)
            result = upscaler.upscale(image, scale=scale, size=size)
        except ArbsrError as error:
            failed += 1
            tqdm.write(f"arbsr upscale: skipped {error}", file=sys.stderr)
            continue
        target = flags.output / f"{path.stem}.png"
        Image.fromarray(result).save(target)
        words = scale.in_words if scale else "to the exact size"
        tqdm.write(f"{path} {_dimensions(image)} -> {target} {_dimensions(result)} ({words})")
    return SOME_FAILED if failed else DONE


def _parse_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match:
        raise ArbsrError(f"size {text!r} is not understood; give width x height in pixels, for example 1920x1080")
    return int(match[1]), int(match[2])


def _parse_memory(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([MG])i?B?", text, re.ASCII | re.IGNORECASE)
    if not match:
        raise ArbsrError(f"memory {text!r} is not understood; give mebibytes or gibibytes, for example 512M or 2G")
    return int(float(match[1]) * 2 ** (20 if match[2].upper() == "M" else 30))


def _dimensions(image) -> str:  # noqa: ANN001
    return f"{image.shape[1]}x{image.shape[0]}"
