"""`python -m arbsr_jax COMMAND ...` is `arbsr COMMAND ...`."""

import sys

from arbsr_jax.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
