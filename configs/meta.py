"""Meta-SR with the backbone of RDN (the default), EDSR or RCAN: the paper's rival for every scale.

    python train.py --config configs/meta.py:edsr --data DIR --workdir runs/meta-edsr

The recipe is that of ArbSR without teachers. `-debug` runs in seconds.
"""

from __future__ import annotations

from ml_collections import ConfigDict

from arbsr_jax.models.config import EDSR, RCAN, RDN, meta
from arbsr_jax.train.recipe import choose, debug, recipe, without_teachers

BACKBONES = {"rdn": RDN, "edsr": EDSR, "rcan": RCAN}


def get_config(variant: str = "") -> ConfigDict:
    """The config of one backbone."""
    (backbone,), debugging = choose(variant, BACKBONES)
    config = without_teachers(recipe(meta(backbone)))
    return debug(config) if debugging else config
