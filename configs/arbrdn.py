"""ArbRDN: the paper's plug-in after every second block of RDN, as in its Table 2.

    python train.py --config configs/arbrdn.py --data DIR --workdir runs/arbrdn \
        --config.teachers.x2=rdn-x2.safetensors --config.teachers.x3=... --config.teachers.x4=...

`:debug` runs in seconds.
"""

from __future__ import annotations

from ml_collections import ConfigDict

from arbsr_jax.models.config import RDN
from arbsr_jax.train.recipe import choose, debug, recipe


def get_config(variant: str = "") -> ConfigDict:
    """The config."""
    _, debugging = choose(variant)
    return debug(recipe(RDN)) if debugging else recipe(RDN)
