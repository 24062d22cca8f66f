"""A command of this package with another form of field upsampling, for comparison: `recipes/upsamplers.sh` calls it.

    python recipes/experiments/field_forms.py nearest|thera train.py|evaluate.py FLAG...

nearest: the coefficients of the nearest LR pixel alone, instead of the four around weighted by tents.
thera: Thera's basis (Becker et al. 2025), sines and cosines of M / 2 learned frequencies w times exp(-w^2 t), where a
hypernetwork makes t of the scale, one for each axis.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array

from arbsr_jax.imaging.grid import Grid
from arbsr_jax.models import field

HALF = 0.5  # LR pixels
ROOT = Path(__file__).parents[2]


def nearest(grid: Grid, corner: tuple[int, ...], hyper: Callable[[Array], Any], frequencies: Array) -> Array:
    """The basis where that corner is the nearest LR pixel, else zeros; and the tent, for the interpolated image."""
    values, ways = TENTS(grid, corner, hyper, frequencies), _ways(grid, corner)
    tent = values[..., -1:]
    inside = jnp.ones_like(tent, bool)
    for axis, step in enumerate(corner):
        way = ways[..., axis : axis + 1]
        inside &= way >= -HALF if step else way < HALF
    basis = values[..., :-1] / jnp.maximum(tent, jnp.finfo(jnp.float32).tiny)
    return jnp.concatenate([jnp.where(inside, basis, 0), tent], axis=-1)


def thera(grid: Grid, corner: tuple[int, ...], hyper: Callable[[Array], Any], frequencies: Array) -> Array:
    """Sines with decay, times the tent; and the tent."""
    values, ways = TENTS(grid, corner, hyper, frequencies), _ways(grid, corner)
    tent, terms = values[..., -1:], values.shape[-1] - 1
    waves = frequencies[:, : terms // 2]
    scale = jnp.broadcast_to(1 / jnp.asarray(grid.scale), (*ways.shape[:2], 2))
    rest = jnp.zeros((*ways.shape[:2], 2 * frequencies.shape[1]))
    spread = nn.softplus(hyper(jnp.concatenate([jnp.zeros_like(ways), scale, rest], axis=-1))["basis"][..., :2])
    decay = jnp.exp(-spread @ waves**2)
    angles = ways @ waves
    basis = jnp.concatenate([jnp.sin(angles) * decay, jnp.cos(angles) * decay], axis=-1)
    return jnp.concatenate([tent * basis, tent], axis=-1)


def _ways(grid: Grid, corner: tuple[int, ...]) -> Array:
    down, right = (field._way(axis, step) for axis, step in zip((grid.rows, grid.columns), corner, strict=True))
    return jnp.stack(jnp.meshgrid(down, right, indexing="ij"), axis=-1)


TENTS = field._corner
FORMS = {"nearest": nearest, "thera": thera}

if __name__ == "__main__":
    field._corner = FORMS[sys.argv[1]]
    sys.argv = sys.argv[2:]
    sys.path.insert(0, str(ROOT))
    runpy.run_path(str(ROOT / sys.argv[0]), run_name="__main__")
