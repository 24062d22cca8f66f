"""The rows of the paper's Table 1, on any size of EDSR: row1 (the default) to row5, full or baseline or tiny.

    python train.py --config configs/ablation.py:tiny-row3 --data DIR --workdir runs/ablation-row3

row1 bicubic upsampling; row2 scale-aware upsampling; row3 with feature adaption, no mask; row4 with the mask;
row5 with knowledge transfer (needs --config.teachers.x2 and so on). `-debug` runs in seconds.
"""

from __future__ import annotations

from ml_collections import ConfigDict

from arbsr_jax.models.config import EDSR_TINY
from arbsr_jax.train.recipe import SIZES, choose, debug, recipe, tiny

ROWS = {
    "row1": {"upsampler": "bicubic", "adaption": "none"},
    "row2": {"upsampler": "scale_aware", "adaption": "none"},
    "row3": {"upsampler": "scale_aware", "adaption": "plain"},
    "row4": {"upsampler": "scale_aware", "adaption": "masked"},
    "row5": {"upsampler": "scale_aware", "adaption": "masked"},
}


def get_config(variant: str = "full-row1") -> ConfigDict:
    """The config of one row."""
    (model, row), debugging = choose(variant, SIZES, ROWS)
    config = recipe(model)
    config = tiny(config) if model is EDSR_TINY else config
    config.model.update(row)
    config.teachers.weight = 1.0 if row is ROWS["row5"] else 0.0
    return debug(config) if debugging else config
