"""Decoding a few HR rows at a time: what lies between LR features and the last conv then fits a processor's cache."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from arbsr_jax.models.area import Area
from arbsr_jax.models.network import Parameters, SRNetwork
from arbsr_jax.ops.geometry import Grid, Phases

STRIP_BYTES = 2**22  # of HR features of one strip


def decode_in_strips(
    network: SRNetwork,
    parameters: Parameters,
    features: Float[Array, "1 height width channels"],
    grid: Grid,
    area: Area,
    canvas: Area,
) -> Float[Array, "1 rows columns 3"]:
    """What `network.decode` gives of one image.

    Args:
      network: with an upsampler that computes every HR pixel by itself: any but pixel shuffle.
      parameters: of the network.
      features: LR features.
      grid: of the HR canvas.
      area: what of the features is image.
      canvas: what of the HR canvas is image.
    """
    length, width = grid.canvas
    strip = max(1, min(length, STRIP_BYTES // (4 * width * features.shape[-1])))
    count = -(-length // strip)

    def in_strips(values: Array) -> Array:
        return jnp.pad(values, (0, count * strip - length), mode="edge").reshape(count, strip)

    def taps(rows: tuple[Array, Array]) -> Array:
        base, relative = rows
        # The phases of a strip are its rows: as many as it has, and the heads see no more of the table than needed.
        piece = grid._replace(rows=Phases(base, jnp.arange(strip), relative))
        return network.apply({"params": parameters}, features, piece, area, method="taps")[0]

    relative = jnp.take(grid.rows.relative, grid.rows.phase)
    made = jax.lax.map(taps, (in_strips(grid.rows.base), in_strips(relative)))
    made = made.reshape(1, count * strip, width, -1)[:, :length]
    return network.apply({"params": parameters}, made, canvas, method="from_taps")
