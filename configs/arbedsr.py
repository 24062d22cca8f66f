"""ArbEDSR, in three sizes.

    python train.py --config configs/arbedsr.py:tiny --data DIR --workdir runs/tiny

`full` (the default) is the paper's network, `baseline` has 16 blocks of 64 channels, `tiny` 8 blocks of 32 channels.
`tiny` is a recipe for a CPU: about two hours on 2 cores; its results are in docs/models.md. `:debug` runs in seconds.
"""

from __future__ import annotations

from ml_collections import ConfigDict

from arbsr_jax.models.config import EDSR, EDSR_BASELINE, EDSR_TINY
from configs.common import debug, recipe

SIZES = {"full": EDSR, "baseline": EDSR_BASELINE, "tiny": EDSR_TINY, "debug": EDSR_TINY}


def get_config(size: str = "full") -> ConfigDict:
    """The config of one size."""
    config = recipe(SIZES[size])
    if size == "tiny":
        config.steps = 12_000
        config.data.update(patch=40, batch=8, integer_steps=0, asymmetric=True)
        config.optimizer.update(learning_rate=1e-3, schedule="cosine")
        config.checkpoint_every = 500
    return debug(config) if size == "debug" else config
