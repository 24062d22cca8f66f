"""Score a model at any pair of scale factors.

    python evaluate.py --scale 2.5x3.5
    python evaluate.py --model MODEL.safetensors --data DIR --scale 2 3 4 --json scores.json --out pictures/
    python evaluate.py --data B100 --sweep seen --protocol arbsr --json seen.json

Exit codes: 0 done; 1 some image failed, the rest is done; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from arbsr_jax.cli.conventions import add_process_flags, add_restore_flag, parsed_restore
from arbsr_jax.cli.main import run_command
from arbsr_jax.errors import ArbsrError
from arbsr_jax.evaluation.protocols import BICUBIC, PROTOCOLS, SWEEPS
from arbsr_jax.files import check_can_be_written
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.config import DEFAULT_MODEL, FLOAT32, PRECISIONS
from arbsr_jax.teach import DAT_LIGHT


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument(
        "--model", help=f"a .safetensors file, the name of a shipped model, or {BICUBIC} (default: {DEFAULT_MODEL})"
    )
    add_restore_flag(parser)
    parser.add_argument(
        "--resize-after",
        action="store_true",
        help=f"the model is scale-specific, or {DAT_LIGHT} at x4: enlarge by it, then resize to each scale by imresize",
    )
    parser.add_argument("--sr", type=Path, metavar="DIR", help="score these pictures instead of a model's")
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        action="extend",
        metavar="DIR",
        help="folders of HR images, or dataset folders holding HR/ (default: scikit-image's photographs)",
    )
    parser.add_argument("--lr", type=Path, metavar="DIR", help="use LR files in DIR, or its X2, X2.00_X3.00 ...")
    scales = parser.add_mutually_exclusive_group(required=True)
    scales.add_argument(
        "--scale",
        nargs="+",
        action="extend",
        metavar="S",
        help="factors from 1 to 8: 2.5, or 2.5x3.5 for horizontal x vertical (width x height)",
    )
    scales.add_argument("--sweep", choices=SWEEPS, help="the scales of a table or figure of the paper")
    parser.add_argument("--protocol", choices=sorted(PROTOCOLS), default="standard", help="how LR is made from HR")
    parser.add_argument("--limit", type=int, metavar="N", help="score N images of each dataset, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0, help="of --limit")
    parser.add_argument(
        "--precision", choices=PRECISIONS, default=FLOAT32, help="what to compute in (default: float32)"
    )
    parser.add_argument("--tile", type=int, help="side of LR tiles in pixels; 0: whole images (default: by memory)")
    parser.add_argument("--self-ensemble", action="store_true", help="average eight flips and transposes of each image")
    parser.add_argument("--lpips", action="store_true", help="also the perceptual distance LPIPS (an optional extra)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there; a second run goes on")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write a table there")
    parser.add_argument("--out", type=Path, metavar="DIR", help="save super-resolved and side-by-side pictures there")
    add_process_flags(parser)


def main(arguments: list[str] | None = None) -> int:
    """evaluate.py; returns the exit code."""
    return run_command(sys.modules[__name__], "evaluate.py", arguments)


def check(flags: argparse.Namespace) -> None:
    """What can be said of the flags before JAX is imported.

    Raises:
      ArbsrError: a scale is wrong, or a flag lacks another.
    """
    for text in flags.scale or ():
        Scale.of(text)
    if parsed_restore(flags.restore) is not None and (flags.sr or flags.resize_after or flags.model == BICUBIC):
        raise ArbsrError("--restore is for a network with a dial; leave --sr, --resize-after and bicubic out")
    for path in (flags.json, flags.csv, flags.markdown):
        if path:
            check_can_be_written(path)
    if flags.coordinator and not flags.json:
        raise ArbsrError("several processes meet in the files beside --json FILE; give one")


def run(flags: argparse.Namespace) -> int:
    """Evaluate as the flags say; returns the exit code.

    Raises:
      ArbsrError: a flag is wrong, or a file or folder missing.
    """
    from arbsr_jax.cli.scoring import score

    return score(flags)
