"""Train a network.

    python train.py --config configs/arbedsr.py:tiny --data DIR [--data DIR ...] --workdir runs/tiny

A second start in the same workdir goes on where the first stopped. Any value can be changed on the command line,
for example --config.steps=1000. SIGTERM saves and exits with 143. Several hosts: docs/pods.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

from absl import app, flags, logging
from ml_collections import config_flags

from arbsr_jax import parallel
from arbsr_jax.errors import ArbsrError
from arbsr_jax.train.run import train
from arbsr_jax.train.workdir import Preempted

TERMINATED = 128 + 15

CONFIG = config_flags.DEFINE_config_file("config", None, "config file, with :variant where it has some")
DATA = flags.DEFINE_multi_string("data", None, "folder of HR images, or tfds:div2k/bicubic_x2; may be repeated")
WORKDIR = flags.DEFINE_string("workdir", None, "folder for checkpoints and the trained model")
COORDINATOR = flags.DEFINE_string("coordinator", None, "host:port of process 0, or auto on TPU pods and Slurm")
PROCESSES = flags.DEFINE_integer("processes", None, "number of processes that train together")
PROCESS = flags.DEFINE_integer("process", None, "number of this process, from 0")
flags.mark_flags_as_required(["config", "data", "workdir"])


def parsed(arguments: list[str]) -> list[str]:
    """Arguments that are no flags; what is wrong with a flag or a config ends the program with one line."""
    try:
        others = flags.FLAGS(arguments)
        _ = CONFIG.value.steps  # a config file that is not there is only missed when it is used
    except (flags.Error, AttributeError, KeyError, OSError) as error:
        reason = error
        while isinstance(reason, Exception) and reason.args:  # ml_collections wraps one error into another
            reason = reason.args[0]
        text = str(reason).partition(f"{ArbsrError.__name__}: ")[2] or " ".join(str(reason).split())
        sys.exit(f"train.py: {text.strip()}; --help has the flags, configs/common.py the names after --config")
    return others


def main(arguments: list[str]) -> None:
    """Run the training that the flags describe."""
    if len(arguments) > 1:
        raise app.UsageError(f"unexpected arguments: {' '.join(arguments[1:])}")
    logging.set_verbosity(logging.WARNING)  # orbax reports every file that it writes
    try:
        parallel.compilation_cache()
        if COORDINATOR.value is None:
            parallel.share_cores(CONFIG.value.data.batch)
        parallel.join_processes(COORDINATOR.value, PROCESSES.value, PROCESS.value)
        path = train(CONFIG.value, DATA.value, Path(WORKDIR.value))
    except ArbsrError as error:
        sys.exit(f"train.py: {error}")
    except Preempted as stopped:
        print(f"train.py: {stopped}", file=sys.stderr)
        sys.exit(TERMINATED)
    print(f"wrote {path}; try: python evaluate.py --model {path} --scale 2.5x3.5")


if __name__ == "__main__":
    app.run(main, flags_parser=parsed)
