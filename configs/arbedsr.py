"""ArbEDSR, in three sizes: full (the paper's, the default), baseline (16 x 64), tiny (8 x 32).

    python train.py --config configs/arbedsr.py:baseline --data DIR --workdir runs/arbedsr-baseline \
        --config.teachers.x2=edsr-x2.safetensors --config.teachers.x3=... --config.teachers.x4=...
    python train.py --config configs/arbedsr.py:tiny --data DIR --workdir runs/tiny

`tiny` is a recipe for 2 CPU cores, without teachers, about an hour long; docs/models.md says what it reaches.
`-debug` after any of them runs in seconds.
"""

from __future__ import annotations

from ml_collections import ConfigDict

from arbsr_jax.models.config import EDSR, EDSR_BASELINE, EDSR_TINY
from configs.common import choose, debug, recipe, tiny

SIZES = {"full": EDSR, "baseline": EDSR_BASELINE, "tiny": EDSR_TINY}


def get_config(variant: str = "full") -> ConfigDict:
    """The config of one size."""
    (model,), debugging = choose(variant, SIZES)
    config = recipe(model)
    config = tiny(config) if model is EDSR_TINY else config
    return debug(config) if debugging else config
