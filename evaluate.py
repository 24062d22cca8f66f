"""Score a model at any pair of scale factors; `--help` has the flags, docs/evaluation.md the rest."""

import sys

from arbsr_jax.cli.evaluate import main

if __name__ == "__main__":
    sys.exit(main())
