"""Train a network; `--help` has the flags, docs/training.md the rest."""

import sys

from arbsr_jax.cli.train import main

if __name__ == "__main__":
    sys.exit(main())
