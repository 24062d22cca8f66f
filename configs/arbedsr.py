"""ArbEDSR, in three sizes: full (the paper's, the default), baseline (16 x 64), tiny (8 x 32).

    python train.py --config configs/arbedsr.py:baseline --data DIR --workdir runs/arbedsr-baseline \
        --config.teachers.x2=edsr-x2.safetensors --config.teachers.x3=... --config.teachers.x4=...
    python train.py --config configs/arbedsr.py:tiny --data DIR --workdir runs/tiny

`tiny` is a recipe for 2 CPU cores, without teachers, about an hour long; docs/models.md has its scores.
`-debug` after any of them runs in seconds.
"""

from __future__ import annotations

from ml_collections import ConfigDict

from arbsr_jax.models.config import EDSR_TINY
from arbsr_jax.train.recipe import SIZES, choose, debug, recipe, tiny


def get_config(variant: str = "full") -> ConfigDict:
    """The config of one size."""
    (model,), debugging = choose(variant, SIZES)
    config = recipe(model)
    config = tiny(config) if model is EDSR_TINY else config
    return debug(config) if debugging else config
