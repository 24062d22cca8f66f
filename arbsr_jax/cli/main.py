"""`arbsr COMMAND ...`."""

from __future__ import annotations

import argparse
import sys

from arbsr_jax import parallel
from arbsr_jax.cli import convert, demo, export, figures, models, report, upscale
from arbsr_jax.cli.exit_codes import WRONG_USAGE
from arbsr_jax.errors import ArbsrError
from arbsr_jax.version import VERSION

COMMANDS = {
    "upscale": upscale,
    "models": models,
    "demo": demo,
    "convert": convert,
    "export": export,
    "figures": figures,
    "report": report,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="arbsr", description="Super-resolution by any pair of scale factors.")
    parser.add_argument("--version", action="version", version=f"arbsr_jax {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        module.add_flags(commands.add_parser(name, help=module.HELP, description=module.HELP))
    flags = parser.parse_args(arguments)
    parallel.compilation_cache()
    try:
        return COMMANDS[flags.command].run(flags)
    except ArbsrError as error:
        print(f"arbsr {flags.command}: {error}", file=sys.stderr)
        return WRONG_USAGE


if __name__ == "__main__":
    sys.exit(main())
