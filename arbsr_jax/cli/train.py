"""Train a network.

    python train.py --config configs/arbedsr.py:tiny --data DIR [--data DIR ...] --workdir runs/tiny
    arbsr train --config arbedsr:tiny --data DIR --workdir runs/tiny

A config is a file, or the name of one that comes with the package. A second start in the same workdir goes on where
the first stopped. Any value can be changed on the command line, for example --config.steps=1000. SIGTERM saves and
exits with 143. Several hosts: docs/training.md.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from arbsr_jax.errors import ArbsrError, missing_extra

try:
    from absl import app, flags, logging
    from ml_collections import config_flags

    from arbsr_jax.train.recipe import config_folder, flat_values
except ImportError:
    sys.exit(f"arbsr train: {missing_extra('training', 'train')}")

TERMINATED = 128 + 15

CONFIG = config_flags.DEFINE_config_file(
    "config", None, "config file or the name of a packaged one, with :variant if it has some"
)
DATA = flags.DEFINE_multi_string("data", None, "folder of HR images, or tfds:div2k/bicubic_x2; may be repeated")
WORKDIR = flags.DEFINE_string("workdir", None, "folder for checkpoints and the trained model")
COORDINATOR = flags.DEFINE_string("coordinator", None, "host:port of process 0, or auto on TPU pods and Slurm")
PROCESSES = flags.DEFINE_integer("processes", None, "number of processes that train together")
PROCESS = flags.DEFINE_integer("process", None, "number of this process, from 0")
PRINT_CONFIG = flags.DEFINE_bool("print_config", False, "list every value of the config, as --config.NAME takes them")
flags.mark_flags_as_required(["config"])


def main(arguments: list[str] | None = None, program: str = "train.py") -> int:
    """Train as the flags say; leaves by SystemExit."""
    # ml_collections looks for --config.NAME in sys.argv.
    sys.argv = [program, *with_config_path(sys.argv[1:] if arguments is None else arguments)]
    app.run(_main, argv=sys.argv, flags_parser=parsed)
    return 0


def with_config_path(arguments: list[str]) -> list[str]:
    """The arguments, in which the name of a packaged config, such as arbedsr:tiny, is its path."""
    result, is_value = [], False
    for argument in arguments:
        name, separator, value = argument.partition("=")
        is_flag = name in ("--config", "-config") and bool(separator)
        text = value if is_flag else argument
        if is_flag or is_value:
            file, colon, variant = text.partition(":")
            packaged = config_folder() / f"{file}.py"
            if not Path(file).is_file():
                if not packaged.is_file():
                    sys.exit(f"config {file!r} is no file and no packaged config; allowed: {_packaged()}")
                text = f"{packaged}{colon}{variant}"
        spelt = "--print_config" if argument == "--print-config" else text
        result.append(f"{name}={text}" if is_flag else spelt)
        is_value = argument in ("--config", "-config")
    return result


def parsed(arguments: list[str]) -> list[str]:
    """The positional arguments; a wrong flag or config ends the program with one line."""
    program = arguments[0]
    try:
        others = flags.FLAGS(arguments)
        _ = CONFIG.value.steps  # a missing config file is only noticed when it is used
    except (flags.Error, AttributeError, KeyError, OSError) as error:
        reason: object = error
        while isinstance(reason, Exception) and reason.args:  # ml_collections wraps one error into another
            reason = reason.args[0]
        text = str(reason).partition(f"{ArbsrError.__name__}: ")[2] or " ".join(str(reason).split())
        if guess := re.search(r"'(\w+)' Did you mean \"(\w+)\"", text):
            text = f"config has no value {guess[1]!r}; did you mean {guess[2]!r}? --print-config lists all"
        sys.exit(f"{program}: {text.strip()}; --help has the flags; packaged configs: {_packaged()}")
    return others


def _packaged() -> str:
    return ", ".join(sorted(path.stem for path in config_folder().glob("*.py")))


def _main(arguments: list[str]) -> None:
    program = arguments[0]
    if len(arguments) > 1:
        raise app.UsageError(f"unexpected arguments: {' '.join(arguments[1:])}")
    if PRINT_CONFIG.value:
        for name, value in flat_values(CONFIG.value.to_dict()).items():
            print(f"--config.{name}={value}")
        return
    data, workdir = DATA.value, WORKDIR.value
    if not data or not workdir:
        missing = [name for name, value in (("--data", data), ("--workdir", workdir)) if not value]
        sys.exit(f"{program}: {' and '.join(missing)} must be given; --help has the flags")
    logging.set_verbosity(logging.WARNING)  # orbax reports every file that it writes
    try:
        # TensorFlow takes seconds to import: so wrong flags are reported first.
        from arbsr_jax import compilation, parallel
        from arbsr_jax.train.run import train
        from arbsr_jax.train.stopping import Preempted
    except ImportError as error:
        sys.exit(f"{program}: {missing_extra(f'{error.name}', 'train')}")
    try:
        compilation.keep_programs_on_disk()
        compilation.use_own_settings()
        if COORDINATOR.value is None:
            parallel.share_cores(CONFIG.value.data.batch)
        parallel.initialize_distributed(COORDINATOR.value, PROCESSES.value, PROCESS.value)
        compilation.platform()  # before the first line of the log
        path = train(CONFIG.value, data, workdir)
    except ArbsrError as error:
        sys.exit(f"{program}: {error}")
    except Preempted as stopped:
        print(f"{program}: {stopped}", file=sys.stderr)
        sys.exit(TERMINATED)
    scale = CONFIG.value.model.scale or "2.5x3.5"
    print(f"wrote {path}; try: arbsr evaluate --model {path} --scale {scale}")
