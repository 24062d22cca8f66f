"""Train a network.

    python train.py --config configs/arbedsr.py:tiny --data DIR [--data DIR ...] --workdir runs/tiny
    arbsr train --config arbedsr:tiny --data DIR --workdir runs/tiny

A second start in the same workdir goes on where the first stopped. SIGTERM and Ctrl-C save and end. Several hosts:
docs/training.md.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from typing import Any

from arbsr_jax.cli.conventions import DONE, add_process_flags
from arbsr_jax.cli.main import run_command
from arbsr_jax.errors import ArbsrError, missing_extra

PREFIX = "--config."
NO_TENSORFLOW = (3, 14)
EPILOG = """values of the config:
  --config.NAME=VALUE, as in --config.steps=1000 --config.data.batch=8; --print-config lists all
packaged configs:
  {names}

example:
  arbsr train --config arbedsr:tiny --data PHOTOS --workdir runs/tiny
A second start in the same workdir goes on where the first stopped; SIGTERM and Ctrl-C save and end."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    try:
        from arbsr_jax.train.recipe import config_names
    except ImportError:
        raise ArbsrError(_missing()) from None
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG.format(names=", ".join(config_names()))
    parser.add_argument("--config", required=True, metavar="NAME[:VARIANT]", help="a packaged config, or a file")
    parser.add_argument("--data", action="append", metavar="DIR", help="HR images, or tfds:NAME; may be repeated")
    parser.add_argument("--workdir", metavar="DIR", help="for checkpoints, logs and the trained model")
    parser.add_argument("--print-config", "--print_config", action="store_true", help="list all values of the config")
    add_process_flags(parser)


def _missing() -> str:
    if sys.version_info >= NO_TENSORFLOW:
        version = ".".join(map(str, sys.version_info[:2]))
        return f"training needs TensorFlow, which has no files for Python {version}; use 3.11 to 3.13"
    return missing_extra("training", "train")


def main(arguments: list[str] | None = None, program: str = "train.py") -> int:
    """train.py; returns the exit code."""
    values, others = split_values(sys.argv[1:] if arguments is None else arguments)
    return run_command(sys.modules[__name__], program, others, values=values)


def split_values(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """The values of the config by their names, from --config.NAME=VALUE or --config.NAME VALUE; and all else."""
    values, others, rest = {}, [], iter(arguments)
    for argument in rest:
        if argument.startswith(PREFIX):
            name, separator, value = argument.removeprefix(PREFIX).partition("=")
            values[name] = value if separator else next(rest, "")
        else:
            others.append(argument)
    return values, others


def check(flags: argparse.Namespace) -> None:
    """Read the config, before anything that takes seconds to import.

    Raises:
      ArbsrError: there is no such config or value, or a flag is missing.
    """
    from arbsr_jax.train.recipe import load_config
    from arbsr_jax.train.settings import TrainConfig, flat_values

    config = load_config(flags.config)
    allowed = flat_values(config.to_dict())
    for name, text in flags.values.items():
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, 1)
            guess = f"; did you mean {near[0]!r}?" if near else ";"
            raise ArbsrError(f"config has no value {name!r}{guess} --print-config lists all")
        config.update_from_flattened_dict({name: parse_value(name, text, allowed[name])})
    missing = [name for name in ("data", "workdir") if not getattr(flags, name)]
    if missing and not flags.print_config:
        raise ArbsrError(f"{' and '.join(f'--{name}' for name in missing)} must be given; --help has the flags")
    flags.config = config if flags.print_config else TrainConfig.of(config)


def parse_value(name: str, text: str, like: Any) -> Any:
    """A value of the type that the config has there.

    Raises:
      ArbsrError: the text is none.
    """
    if isinstance(like, bool):
        truths = {"true": True, "1": True, "false": False, "0": False}
        if text.lower() in truths:
            return truths[text.lower()]
        raise ArbsrError(f"{PREFIX}{name}={text}: True or False is needed")
    try:
        return type(like)(text)
    except ValueError:
        kind = "a whole number" if isinstance(like, int) else "a number"
        raise ArbsrError(f"{PREFIX}{name}={text}: {kind} is needed") from None


def run(flags: argparse.Namespace) -> int:
    """Train as the flags say; returns the exit code.

    Raises:
      ArbsrError: the images, the workdir or the config cannot be used, or training diverged.
    """
    from arbsr_jax.train.settings import flat_values

    if flags.print_config:
        for name, value in flat_values(flags.config.to_dict()).items():
            print(f"{PREFIX}{name}={value}")
        return DONE
    try:
        from absl import logging

        from arbsr_jax import compilation, parallel
        from arbsr_jax.train.run import train
        from arbsr_jax.train.stopping import Preempted
    except ImportError:
        raise ArbsrError(_missing()) from None
    logging.set_verbosity(logging.ERROR)  # orbax reports every file that it writes
    if flags.coordinator is None:
        parallel.share_cores(flags.config.data.batch)
    parallel.initialize_distributed(flags.coordinator, flags.processes, flags.process)
    compilation.platform()  # before the first line of the log
    try:
        path = train(flags.config, flags.data, flags.workdir)
    except Preempted as stopped:
        print(f"{stopped}; the same command goes on", file=sys.stderr)
        return stopped.exit_code
    scale = flags.config.model.scale or "2.5x3.5"
    print(f"wrote {path}; try: arbsr evaluate --model {path} --scale {scale}")
    return DONE
