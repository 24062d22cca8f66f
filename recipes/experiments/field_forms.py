"""A command of this package with another form of field upsampling, for comparison: `recipes/upsamplers.sh` calls it.

    python recipes/experiments/field_forms.py nearest|thera|bicubic train.py|evaluate.py FLAG...

nearest: the coefficients of the nearest LR pixel alone, instead of the four around weighted by tents.
thera: Thera's basis (Becker et al. 2025), sines and cosines of M / 2 learned frequencies w times exp(-w^2 t), where a
hypernetwork makes t of the scale, one for each axis.
bicubic: the image that is added is interpolated by Keys' cubic kernel of 4x4 LR pixels instead of the tents.
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
from arbsr_jax.models import field, network

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


def only_terms(grid: Grid, corner: tuple[int, ...], hyper: Callable[[Array], Any], frequencies: Array) -> Array:
    """The basis times its tent, and nothing of the image, which comes from `bicubic`."""
    return TENTS(grid, corner, hyper, frequencies).at[..., -1].set(0)


def bicubic(x: Array, grid: Grid, size: tuple[Any, Any]) -> Array:
    """The image that `FieldUpsampling.at_lr` laid beside the coefficients, interpolated by Keys' kernel, a = -1/2."""
    image = x.reshape(*x.shape[:3], 3, -1)[..., -1]
    for axis, phases in enumerate((grid.rows, grid.columns)):
        relative = jnp.take(jnp.asarray(phases.relative), phases.phase)
        parts = []
        for step in (-1, 0, 1, 2):
            way = jnp.abs(relative - jnp.floor(relative) - step)
            near, far = 1 - 2.5 * way**2 + 1.5 * way**3, 2 - 4 * way + 2.5 * way**2 - 0.5 * way**3
            weight = jnp.where(way < 1, near, far)
            index = jnp.clip(phases.base + jnp.floor(relative).astype(int) + step, 0, size[axis] - 1)
            shape = [-1 if n == axis + 1 else 1 for n in range(4)]
            parts.append(jnp.take(image, index, axis=axis + 1) * weight.reshape(shape))
        image = sum(parts)
    return image


class OnBicubic(field.FieldUpsampling):
    """Field upsampling that adds a bicubic image."""

    def __call__(self, x: Array, extent: Any, grid: Grid, table: Any = None) -> tuple[Array, None]:
        """As of field upsampling."""
        return super().__call__(x, extent, grid, table)[0] + bicubic(x, grid, extent.size_in(x)), None

    def whole(self, x: Array, grid: Grid) -> tuple[Array, None]:
        """As of field upsampling."""
        return super().whole(x, grid)[0] + bicubic(x, grid, x.shape[1:3]), None


def _ways(grid: Grid, corner: tuple[int, ...]) -> Array:
    down, right = (field._way(axis, step) for axis, step in zip((grid.rows, grid.columns), corner, strict=True))
    return jnp.stack(jnp.meshgrid(down, right, indexing="ij"), axis=-1)


TENTS = field._corner
FORMS = {"nearest": nearest, "thera": thera, "bicubic": only_terms}

if __name__ == "__main__":
    field._corner = FORMS[sys.argv[1]]
    if sys.argv[1] == "bicubic":
        network.FieldUpsampling = OnBicubic
    sys.argv = sys.argv[2:]
    sys.path.insert(0, str(ROOT))
    runpy.run_path(str(ROOT / sys.argv[0]), run_name="__main__")
