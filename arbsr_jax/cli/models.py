"""`arbsr models`: the shipped models, their origin and their scores."""

from __future__ import annotations

import argparse
import hashlib
import textwrap
from pathlib import Path

from arbsr_jax.cli.conventions import DONE
from arbsr_jax.models.config import DEFAULT_MODEL, DEFAULT_RESTORING

NOTICE_SHOWN = 220  # characters
PURPOSES = {  # of shipped models, in the order in which they are listed
    DEFAULT_MODEL: "the default; the paper's own plug-in",
    "arbedsr-field": "better from x2.5 on and for two different factors",
    DEFAULT_RESTORING: "noise and JPEG artefacts, with --restore 0 to 1",
    "arbedsr-field-tiny": "small and fast",
    "arbedsr-tiny": "small and fast, the paper's own plug-in",
}
SHOWN = ("2", "3", "4", "2.5x3.5")  # scales in the list


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("files", nargs="*", metavar="MODEL", help="names or files (default: all that are shipped)")
    parser.add_argument("--verbose", action="store_true", help="origin, licence and all scores of each")


def run(flags: argparse.Namespace) -> int:
    """Print a few lines for every model.

    Raises:
      ArbsrError: a file cannot be read.
    """
    from arbsr_jax.model_file import SUFFIX, find_model, shipped_models

    shipped = shipped_models()
    names = flags.files or sorted(
        shipped, key=lambda name: (list(PURPOSES).index(name) if name in PURPOSES else 99, name)
    )
    if flags.verbose or flags.files:
        for name in names:
            print("\n".join(describe(name, find_model(name))))
        return DONE
    columns = "".join(f"{f'x{scale}':>9}" for scale in SHOWN)
    print(f"{'model':<20}{'MB':>5}{columns}  PSNR on Set5, dB")
    for name in names:
        print(one_line(name, shipped[name]))
    print(
        f"`arbsr models --verbose`: origin and licence. Any {SUFFIX} file of train.py or `arbsr convert` works as well."
    )
    return DONE


def one_line(name: str, path: Path) -> str:
    """A shipped model's size, scores and purpose.

    Raises:
      ArbsrError: it cannot be read.
    """
    from arbsr_jax.model_file import read_model_file

    rows = read_model_file(path).provenance.get("scores", {}).get("rows", [])
    scores = {row["scale"]: f"{row['psnr']:.2f}" for row in rows if row["dataset"] == "Set5"}
    columns = "".join(f"{scores.get(scale, '-'):>9}" for scale in SHOWN)
    return f"{name:<20}{path.stat().st_size / 1e6:>5.1f}{columns}  {PURPOSES.get(name, '')}".rstrip()


def describe(name: str, path: Path) -> list[str]:
    """A model file's own account.

    Raises:
      ArbsrError: it cannot be read.
    """
    from arbsr_jax.model_file import read_model_file
    from arbsr_jax.models.parameters import count_parameters

    model = read_model_file(path)
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
