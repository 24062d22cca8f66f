"""ArbRCAN, as in the paper.

    python train.py --config configs/arbrcan.py --data DIR --workdir runs/arbrcan \
        --config.teachers.x2=rcan-x2.safetensors --config.teachers.x3=... --config.teachers.x4=...

`:debug` runs in seconds.
"""

from __future__ import annotations

from ml_collections import ConfigDict

from arbsr_jax.models.config import RCAN
from arbsr_jax.train.recipe import choose, debug, recipe


def get_config(variant: str = "") -> ConfigDict:
    """The config."""
    _, debugging = choose(variant)
    return debug(recipe(RCAN)) if debugging else recipe(RCAN)
