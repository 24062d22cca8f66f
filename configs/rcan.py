"""RCAN at one integer scale, as a teacher: x2 (the default), x3 or x4.

    python train.py --config configs/rcan.py:x4 --data DIR --workdir runs/rcan-x4

The recipe is RCAN's: 1000 epochs, 48x48 LR patches, 1e-4 halved every 200 epochs. `-debug` runs in seconds.
"""

from __future__ import annotations

from ml_collections import ConfigDict

from arbsr_jax.models.config import RCAN, scale_specific
from arbsr_jax.train.recipe import TEACHER_SCALES, choose, debug, recipe, without_teachers
from arbsr_jax.train.settings import EPOCH


def get_config(variant: str = "x2") -> ConfigDict:
    """The config of one scale."""
    (scale,), debugging = choose(variant, TEACHER_SCALES)
    config = without_teachers(recipe(scale_specific(RCAN, scale)))
    config.steps, config.optimizer.halve_every = 1000 * EPOCH, 200 * EPOCH
    config.data.update(patch=48, integer_steps=0)
    return debug(config) if debugging else config
