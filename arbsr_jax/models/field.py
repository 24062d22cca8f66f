"""Field upsampling: a function of the position, for every LR pixel, as a sum of few products.

    g = 1x1(relu(1x1(relu(conv3x3(F)))))                        LR resolution, [h, w, 3, M]
    HR(x, y) = sum over the four LR pixels (i, j) around of tent * (LR(i, j) + sum over m of g[i, j, :, m] * basis[m])

The basis is what a hypernetwork makes of the scale and of the position relative to (i, j), which phases have in common.
So nothing at HR resolution is computed by a network, and no HR pixel needs another. The tents weigh as LIIF's local
ensemble does (Chen et al. 2021); sines of learned frequencies let the basis change within an LR pixel, as Thera's do
(Becker et al. 2025).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from arbsr_jax.imaging.grid import Grid, Phases
from arbsr_jax.kernels.conv3x3 import DEFAULTS, ConvOptions
from arbsr_jax.kernels.field_strips import field_strips
from arbsr_jax.kernels.field_sum import CORNERS, field_cells
from arbsr_jax.models.extent import Extent
from arbsr_jax.models.hyper import Heads, PhaseTable, over_phases
from arbsr_jax.models.layers import RGB_MEAN, Conv1x1, Conv3x3, uniform_fan_in
from arbsr_jax.models.upsampling import Upsampler

FREQUENCIES = 32
SPREAD_OF_FREQUENCIES = 2.0  # radians per LR pixel


class FieldUpsampling(Upsampler):
    """The coefficients of LR pixels, and their sums at HR pixels.

    Attributes:
      basis: M, terms of the sum.
      hidden: channels of the layers before the coefficients.
      layers: how many layers: a 3x3 conv, then 1x1 convs.
      options: how convs are computed.
    """

    basis: int
    hidden: int
    layers: int = 2
    options: ConvOptions = DEFAULTS

    @property
    def heads(self) -> Heads:  # noqa: D102 (see Upsampler)
        return {"basis": (self.basis, nn.initializers.zeros)}

    def setup(self) -> None:
        """The layers at LR resolution, the hypernetwork, and its frequencies."""
        self.hyper = over_phases()(self.heads, head_init=uniform_fan_in)
        self.frequencies = self.param(
            "frequencies", nn.initializers.normal(SPREAD_OF_FREQUENCIES), (2, FREQUENCIES), jnp.float32
        )
        self.first = Conv3x3(self.hidden, self.options)
        self.middle = [Conv1x1(self.hidden) for _ in range(self.layers - 1)]
        self.last = Conv1x1(3 * self.basis)

    def at_lr(
        self,
        x: Float[Array, "batch height width channels"],
        image: Float[Array, "batch height width 3"],
        extent: Extent,
    ) -> Float[Array, "batch height width coefficients"]:
        """The coefficients of every LR pixel and its colour, as `kernels.field_sum` takes them; float32."""
        x = nn.relu(self.first(x, extent))
        for layer in self.middle:
            x = nn.relu(layer(x))
        terms = self.last(x).astype(jnp.float32).reshape(*x.shape[:3], 3, self.basis)
        return jnp.concatenate([terms, (image - RGB_MEAN)[..., None]], axis=-1).reshape(*x.shape[:3], -1)

    def phase_table(self, grid: Grid) -> PhaseTable:
        """For every pair of phases and each corner the basis times its tent, and the tent alone."""
        corners = [_corner(grid, corner, self.hyper, self.frequencies) for corner in CORNERS]
        return {"basis": jnp.concatenate(corners, axis=-1)}

    def __call__(
        self,
        x: Float[Array, "batch height width coefficients"],
        extent: Extent,
        grid: Grid,
        table: PhaseTable | None = None,
    ) -> tuple[Float[Array, "batch rows columns 3"], None]:
        """HR pixels on the canvas of `grid`, which has cells, without the mean colour."""
        if grid.cells is None:
            raise ValueError("field upsampling asks for a grid with cells")
        hyper, variables = self.hyper.unbind()
        frequencies = self.frequencies

        def of_rows(rows: Array, down: int) -> Array:
            if table is not None:
                corners = _by_corner(table)[:, :, 2 * down : 2 * down + 2]
                return jnp.take(corners, rows, axis=0, mode="clip")
            relative = jnp.take(jnp.asarray(grid.rows.relative), rows, mode="clip")
            some = grid._replace(rows=Phases(None, None, relative))
            parts = [
                _corner(some, corner, partial(hyper.apply, variables), frequencies)
                for corner in CORNERS
                if corner[0] == down
            ]
            return jnp.stack(parts, axis=2)

        return field_strips(x, of_rows, grid.cells, extent.size_in(x), self.basis + 1), None

    def whole(
        self, x: Float[Array, "batch height width coefficients"], grid: Grid
    ) -> tuple[Float[Array, "batch rows columns 3"], None]:
        """The same by the cell, with fast gradients, of grids with or without cells."""
        per_cell = -(-grid.canvas[0] // x.shape[1]), -(-grid.canvas[1] // x.shape[2])
        return field_cells(x, _by_corner(self.phase_table(grid)), grid, per_cell), None


def _corner(
    grid: Grid, corner: tuple[int, ...], hyper: Callable[[Array], Any], frequencies: Float[Any, "2 frequencies"]
) -> Float[Array, "phases_v phases_h terms"]:
    """The basis times its tent, and the tent, for LR pixels at one corner of HR pixels."""
    down, right = (_way(axis, step) for axis, step in zip((grid.rows, grid.columns), corner, strict=True))
    ways = jnp.stack(jnp.meshgrid(down, right, indexing="ij"), axis=-1)
    angles = ways @ frequencies
    scale = jnp.broadcast_to((1 / jnp.asarray(grid.scale)).reshape(1, 1, 2), ways.shape)
    basis = hyper(jnp.concatenate([2 * ways, scale, jnp.sin(angles), jnp.cos(angles)], axis=-1))["basis"]
    tent = (1 - jnp.abs(ways[..., :1])) * (1 - jnp.abs(ways[..., 1:]))
    return jnp.concatenate([tent * basis, tent], axis=-1)


def _by_corner(table: PhaseTable) -> Float[Array, "phases_v phases_h 4 terms"]:
    basis = table["basis"]
    return basis.reshape(*basis.shape[:2], len(CORNERS), -1)


def _way(axis: Phases, step: int) -> Float[Array, "phases"]:
    """From the LR pixel before (step 0) or after an HR pixel to it, in LR pixels: in (-1, 1)."""
    relative: Any = jnp.asarray(axis.relative)
    return relative - jnp.floor(relative) - step
