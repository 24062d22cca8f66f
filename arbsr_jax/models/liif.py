"""The decoder of LIIF (Chen et al., "Learning Continuous Image Representation with Local Implicit Image Function").

A peer for every scale: to compare with, and to distil from. An HR pixel takes four times three layers of 256 x 256,
0.8 million multiplications.
"""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from arbsr_jax.imaging.grid import Grid, Phases
from arbsr_jax.kernels.conv3x3 import DEFAULTS, ConvOptions
from arbsr_jax.kernels.sampling import nearest_two
from arbsr_jax.kernels.winograd import add_all
from arbsr_jax.models.extent import Extent
from arbsr_jax.models.hyper import PhaseTable
from arbsr_jax.models.layers import Conv3x3, uniform_fan_in
from arbsr_jax.models.upsampling import Upsampler

WIDTH = 256  # of its fully connected layers
HIDDEN = 3  # of them, between the first and the last

Neighbour = tuple[Int[Array, "length"], Float[Array, "length"], Float[Array, "length"]]


class ImplicitUpsampling(Upsampler):
    """Fully connected layers on the 3x3 features around an LR pixel, the way from it to the HR pixel, and the cell.

    They run for the four LR pixels around each HR pixel, and the results are averaged with bilinear weights, which are
    LIIF's areas (its feature unfolding, local ensemble and cell decoding). The last layer is linear, so that the tail
    computes it once, of the average.
    """

    options: ConvOptions = DEFAULTS

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "batch height width channels"],
        extent: Extent,
        grid: Grid,
        table: PhaseTable | None = None,
    ) -> tuple[Float[Array, "batch rows columns 256"], None]:
        """The last layer's input, on the canvas of `grid`."""
        del table
        # The first layer is linear in the features: once per LR pixel, before they are spread.
        near = Conv3x3(WIDTH, self.options, name="features")(x, extent)
        way = self.param("way", uniform_fan_in, (2, WIDTH)).astype(x.dtype)
        cell = self.param("cell", uniform_fan_in, (2, WIDTH)).astype(x.dtype)
        hidden = [nn.Dense(WIDTH, kernel_init=uniform_fan_in, name=f"hidden_{n}") for n in range(HIDDEN)]
        near = near + ((2 / grid.scale).astype(x.dtype) @ cell).reshape(1, 1, 1, -1)
        size, parts = extent.size_in(x), []
        flat = near.reshape(x.shape[0], -1, WIDTH)
        for row, down, row_weight in neighbours(grid.rows, size[0]):
            for column, right, column_weight in neighbours(grid.columns, size[1]):
                index = row[:, None] * x.shape[2] + column[None, :]
                steps = jnp.outer(down, way[0])[:, None] + jnp.outer(right, way[1])[None, :]
                y = nn.relu(jnp.take(flat, index, axis=1, mode="clip") + steps[None].astype(x.dtype))
                for layer in hidden:
                    y = nn.relu(layer(y))
                weight = jnp.outer(row_weight, column_weight).astype(x.dtype)
                parts.append(y * weight[None, :, :, None])
        return add_all(parts), None


def neighbours(axis: Phases, length: Any) -> list[Neighbour]:
    """The two LR pixels around each HR pixel of an axis of `length` LR pixels.

    Returns:
      For each of the two its index, the way from it to the HR pixel in halves of LR pixels, and its weight.
    """
    relative = jnp.take(axis.relative, axis.phase)
    taps, weights = nearest_two(axis.base, relative, length)
    ways = [2 * ((axis.base - tap).astype(relative.dtype) + relative) for tap in taps]
    return list(zip(taps, ways, weights, strict=True))
