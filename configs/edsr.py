"""EDSR at one integer scale, as a teacher: full or baseline or tiny, x2 (the default), x3 or x4.

    python train.py --config configs/edsr.py:baseline-x4 --data DIR --workdir runs/edsr-baseline-x4

The recipe is EDSR's: 300 epochs, 48x48 LR patches, 1e-4 halved after 200 epochs. `-debug` runs in seconds.
"""

from __future__ import annotations

from ml_collections import ConfigDict

from arbsr_jax.models.config import scale_specific
from arbsr_jax.train.recipe import SIZES, TEACHER_SCALES, choose, debug, recipe, without_teachers
from arbsr_jax.train.settings import EPOCH


def get_config(variant: str = "full-x2") -> ConfigDict:
    """The config of one size and scale."""
    (model, scale), debugging = choose(variant, SIZES, TEACHER_SCALES)
    config = without_teachers(recipe(scale_specific(model, scale)))
    config.steps, config.optimizer.halve_every = 300 * EPOCH, 200 * EPOCH
    config.data.update(patch=48, integer_steps=0)
    return debug(config) if debugging else config
