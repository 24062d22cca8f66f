"""Decoding a few HR rows at a time: their features then fit a processor's cache."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from arbsr_jax.imaging.grid import Grid, Phases
from arbsr_jax.models.extent import Extent
from arbsr_jax.models.hyper import PhaseTable
from arbsr_jax.models.network import SRNetwork, hr_channels
from arbsr_jax.models.parameters import Parameters

STRIP_BYTES = 2**21  # of HR features of one strip


def decode_in_strips(
    network: SRNetwork,
    parameters: Parameters,
    features: Float[Array, "batch height width channels"],
    extent: Extent,
    grid: Grid,
    table: PhaseTable | None = None,
    strip_bytes: int = STRIP_BYTES,
) -> Float[Array, "batch rows columns 3"]:
    """The result of `network.decode`.

    The last conv needs a row above and one below: a strip ends with the row before its last, and hands its last two
    rows of taps on, so that none is computed twice.

    Args:
      network: with an upsampler that computes every HR pixel by itself: any but pixel shuffle.
      parameters: of the network.
      features: LR features.
      extent: of the features.
      grid: of the HR canvas.
      table: the grid's `phase_table`, if it is known.
      strip_bytes: of the HR features of a strip.
    """
    batch, (length, width) = len(features), grid.canvas
    channels = max(features.shape[-1], hr_channels(network.config) if network.config.upsampler == "meta" else 0)
    strip = max(1, min(length + 1, strip_bytes // (4 * batch * width * channels)))
    count = -(-(length + 1) // strip)
    rows_in_image, columns_in_image = grid.canvas if grid.size is None else grid.size

    def in_strips(values: Any) -> Array:
        return jnp.pad(values, (0, count * strip - length), mode="edge").reshape(count, strip)

    def taps_of(base: Array, phase: Array) -> Any:
        relative, part = grid.rows.relative, table
        if len(relative) > strip:  # heads and gathers see no more of the table than these rows need
            relative, part = jax.tree.map(lambda values: jnp.take(values, phase, axis=0), (relative, table))
            phase = jnp.arange(strip)
        rows_grid = grid._replace(rows=Phases(base, phase, relative))
        return network.apply({"params": parameters}, features, extent, rows_grid, part, method="taps")

    def with_strip(above: Array, rows: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        first, *phases = rows
        taps = jnp.concatenate([above, taps_of(*phases)], axis=1)
        inside = Extent(jnp.array([rows_in_image - first + 2, columns_in_image]))  # with the two rows above
        pixels: Any = network.apply({"params": parameters}, taps, inside, method="from_taps")
        return taps[:, -2:], pixels[:, 1:-1]

    rows = jnp.arange(count) * strip, in_strips(grid.rows.base), in_strips(grid.rows.phase)
    shape = jax.eval_shape(partial(network.apply, method="taps"), {"params": parameters}, features, extent, grid)
    _, pixels = jax.lax.scan(with_strip, jnp.zeros((batch, 2, width, shape.shape[-1])), rows)
    # The first strip begins with the row above the image.
    return jnp.moveaxis(pixels, 0, 1).reshape(batch, count * strip, width, -1)[:, 1 : length + 1]
