"""`arbsr COMMAND ...`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import Any

from arbsr_jax.cli.conventions import DONE, WRONG_USAGE, keep_freed_memory, prepare_streams
from arbsr_jax.errors import ArbsrError, reason
from arbsr_jax.interruption import InterruptedRunError, interruptible
from arbsr_jax.terminal import BrokenOutputError, close_quietly
from arbsr_jax.version import VERSION

COMMANDS = {
    "upscale": "Enlarge images and films by any pair of factors, or to an exact size.",
    "models": "List the shipped models, or the contents of model files.",
    "demo": "Open a local page: drop a picture, drag its new size, compare with bicubic.",
    "evaluate": "Score a model at any pair of scale factors; evaluate.py is the same.",
    "report": "Put the JSON files of `arbsr evaluate` side by side: a row for each model, a column for each scale.",
    "figures": "Draw a figure of the paper from a model and real images, as PNG and PDF.",
    "convert": "Make a model file of PyTorch weights (EDSR, RCAN, RDN, ArbRCAN, Meta-RDN, LIIF), or go back.",
    "export": "Write a network for other programs: ONNX, darktable, the Hugging Face Hub, StableHLO.",
    "teach": "Make pictures by a scale-specific network, as targets of training.",
    "train": "Train a network; train.py is the same.",
}
EXAMPLES = {
    "upscale": "photo.jpg --scale 2.5x3.5",
    "models": "--verbose",
    "demo": "--static site",
    "evaluate": "--scale 2.5x3.5",
    "report": "a.json b.json",
    "figures": "crops --model arbedsr-field -o crops",
    "convert": "edsr.pt -o edsr.safetensors",
    "export": "arbedsr-field -o network.onnx",
    "teach": "photos -o pictures",
    "train": "--config arbedsr:tiny --data photos --workdir run",
}
FULL_USAGE = "arbsr COMMAND --help"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    prepare_streams()
    listing = "\n".join(
        f"  {name:<10}{words}\n{'':12}arbsr {name} {EXAMPLES[name]}" for name, words in COMMANDS.items()
    )
    parser = argparse.ArgumentParser(
        prog="arbsr",
        usage="arbsr [--help] [--version] COMMAND ...",
        description="Super-resolution by any pair of scale factors.",
        epilog=f"commands (`{FULL_USAGE}` for their flags):\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"arbsr_jax {VERSION}")
    parser.add_argument("command", metavar="COMMAND", choices=COMMANDS, help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    if not (sys.argv[1:] if arguments is None else arguments):
        parser.print_help()
        return DONE
    command, rest = (parsed := parser.parse_args(arguments)).command, parsed.rest
    module = importlib.import_module(f"arbsr_jax.cli.{command}")  # only this one: most of them need JAX
    if command == "train":  # the values of its config are no flags
        return module.main(rest, program="arbsr train")
    return run_command(module, f"arbsr {command}", rest)


def run_command(module: Any, program: str, arguments: list[str] | None, **values: Any) -> int:
    """Run a command's module with its flags; returns the exit code. A user's mistake is one line.

    Args:
      module: with `add_flags(parser)` and `run(flags) -> exit code`, and perhaps `check(flags)`, which is called before
        JAX is imported. All may raise ArbsrError.
      program: its name in messages.
      arguments: the flags; None: those of this process.
      values: what `flags` holds besides.
    """
    parser = argparse.ArgumentParser(prog=program, description=COMMANDS[module.__name__.rpartition(".")[2]])
    prepare_streams()
    try:
        module.add_flags(parser)
        flags = parser.parse_args(arguments, argparse.Namespace(**values))
        if hasattr(module, "check"):
            module.check(flags)
        # XLA's alarm about slow compiling, and the rest of its log, are no messages for users: errors are exceptions.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from arbsr_jax.compilation import keep_programs_on_disk, use_own_settings

        keep_freed_memory()
        keep_programs_on_disk()
        use_own_settings()
        with interruptible():
            return module.run(flags)
    except InterruptedRunError as stopped:
        print(f"{program}: {stopped}", file=sys.stderr)
        return stopped.exit_code
    except (BrokenOutputError, BrokenPipeError):
        close_quietly(sys.stdout)
        return DONE
    except ArbsrError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return WRONG_USAGE
    except OSError as error:  # of a file or folder that the flags name
        print(f"{program}: {reason(error)}", file=sys.stderr)
        return WRONG_USAGE


if __name__ == "__main__":
    sys.exit(main())
