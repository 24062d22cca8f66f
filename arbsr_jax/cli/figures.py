"""`arbsr figures NAME --model MODEL --data DIR -o FILE`: a figure of the paper, from a model and real images."""

from __future__ import annotations

import argparse
from pathlib import Path

from arbsr_jax.cli.conventions import check_ending
from arbsr_jax.errors import ArbsrError
from arbsr_jax.evaluation.protocols import PROTOCOLS
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.config import DEFAULT_MODEL

MASKS = "masks"
SHOWN = {
    "scales": "how much features depend on the scale: those for x2, x3 and x4 compared",
    MASKS: "where features are adapted to the scale",
    "gain": "PSNR over bicubic at each factor from 1.05 to 4",
    "heatmap": "PSNR over bicubic for each pair of factors",
    "crops": "of each image the part that gains most, beside bicubic and HR",
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("name", choices=SHOWN, help="; ".join(f"{name}: {words}" for name, words in SHOWN.items()))
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="FILE.png and FILE.pdf")
    parser.add_argument(
        "--model", nargs="+", default=[DEFAULT_MODEL], help="a model; for `scales` also one for each of x2, x3, x4"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="HR images (default: scikit-image's photographs)")
    parser.add_argument("--protocol", choices=sorted(PROTOCOLS), default="standard", help="how LR is made from HR")
    parser.add_argument("--scale", default="2.5x3.5", help="of `crops`")
    parser.add_argument(
        "--box", metavar="X,Y", help="HR pixel at the top left of `crops` (default: where it gains most)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="of `masks`: also write their statistics there")
    parser.add_argument("--limit", type=int, metavar="N", help="use N images, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0, help="of --limit")


def check(flags: argparse.Namespace) -> None:
    """What can be said of the flags before JAX is imported.

    Raises:
      ArbsrError: a flag or the file's ending is wrong.
    """
    if flags.json and flags.name != MASKS:
        raise ArbsrError(f"--json belongs to `{MASKS}`, not to `{flags.name}`")
    check_ending(flags.output, dict.fromkeys(("", ".png", ".pdf"), "PNG and PDF"))
    Scale.of(flags.scale)


def run(flags: argparse.Namespace) -> int:
    """Draw one figure.

    Raises:
      ArbsrError: a model, file or folder is missing.
    """
    from arbsr_jax.cli.drawing import draw

    return draw(flags)
