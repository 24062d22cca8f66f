"""The flags by which several processes or hosts share one job."""

from __future__ import annotations

import argparse


def add_sharing_flags(parser: argparse.ArgumentParser) -> None:
    """What `parallel.join_processes` takes."""
    parser.add_argument("--coordinator", help="host:port of process 0, where several processes share the work")
    parser.add_argument("--processes", type=int, help="how many share it")
    parser.add_argument("--process", type=int, help="number of this one, from 0")
