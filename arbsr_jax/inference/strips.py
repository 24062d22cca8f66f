"""Decoding a few HR rows at a time: what lies between LR features and HR pixels then fits a processor's cache."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from arbsr_jax.models.area import Area
from arbsr_jax.models.hyper import PhaseTable
from arbsr_jax.models.network import Parameters, SRNetwork
from arbsr_jax.ops.geometry import Grid, Phases

STRIP_BYTES = 2**21  # of HR features of one strip


def decode_in_strips(
    network: SRNetwork,
    parameters: Parameters,
    features: Float[Array, "1 height width channels"],
    grid: Grid,
    area: Area,
    canvas: Area,
    table: PhaseTable | None = None,
) -> Float[Array, "1 rows columns 3"]:
    """What `network.decode` gives of one image.

    The last conv needs a row above and one below: a strip ends with the row before its last, and hands its last two
    rows of taps on, so that none is computed twice.

    Args:
      network: with an upsampler that computes every HR pixel by itself: any but pixel shuffle.
      parameters: of the network.
      features: LR features.
      grid: of the HR canvas.
      area: what of the features is image.
      canvas: what of the HR canvas is image.
      table: the grid's `phase_table`, where it is known.
    """
    length, width = grid.canvas
    strip = max(1, min(length + 1, STRIP_BYTES // (4 * width * features.shape[-1])))
    count = -(-(length + 1) // strip)
    size = grid.canvas if canvas.size is None else canvas.size

    def in_strips(values: Array) -> Array:
        return jnp.pad(values, (0, count * strip - length), mode="edge").reshape(count, strip)

    def taps_of(base: Array, phase: Array) -> Array:
        relative, known = grid.rows.relative, table
        if len(relative) > strip:  # heads and gathers see no more of the table than these rows need
            relative, known = jax.tree.map(lambda values: jnp.take(values, phase, axis=0), (relative, table))
            phase = jnp.arange(strip)
        seen = grid._replace(rows=Phases(base, phase, relative))
        return network.apply({"params": parameters}, features, seen, area, known, method="taps")

    def with_strip(above: Array, rows: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        first, *phases = rows
        inside = Area(jnp.array([size[0] - first, size[1]]))
        seen = jnp.concatenate([above, inside.clear(taps_of(*phases))], axis=1)
        made = network.apply({"params": parameters}, seen, method="from_taps")
        return seen[:, -2:], made[0, 1:-1]

    rows = jnp.arange(count) * strip, in_strips(grid.rows.base), in_strips(grid.rows.phase)
    channels = jax.eval_shape(partial(network.apply, method="taps"), {"params": parameters}, features, grid).shape[-1]
    _, made = jax.lax.scan(with_strip, jnp.zeros((1, 2, width, channels)), rows)
    # The first strip begins with the row above the image.
    return made.reshape(1, count * strip, width, -1)[:, 1 : length + 1]
