"""What all commands share: exit codes, and the flags by which several processes or hosts share one job."""

from __future__ import annotations

import argparse

DONE, SOME_FAILED, WRONG_USAGE = 0, 1, 2


def add_process_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of `parallel.initialize_distributed`."""
    parser.add_argument("--coordinator", help="host:port of process 0, if several processes share the work")
    parser.add_argument("--processes", type=int, help="how many share it")
    parser.add_argument("--process", type=int, help="number of this one, from 0")
