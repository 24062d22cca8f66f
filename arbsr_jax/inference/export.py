"""A network as one file of StableHLO that JAX runs, without this package, for every size and scale.

JAX promises to read such a file for six months (https://docs.jax.dev/en/latest/export/export.html): ONNX is the format
to keep.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import jax
import jax.numpy as jnp
from jax import export
from jaxtyping import Array, Float

from arbsr_jax.imaging.grid import Grid, Phases
from arbsr_jax.model_file import Model
from arbsr_jax.models.network import SRNetwork

PLATFORMS = ("cpu", "cuda", "tpu")
LIFE = timedelta(days=182)  # for which a later JAX reads a file


def export_model(model: Model, written: date) -> bytes:
    """A serialized `jax.export` program with symbolic sizes; `jax.export.deserialize(content).call(...)` runs it.

    Its arguments are the image, float32 [1, h, w, 3] in 0..255, and for networks of every scale the positions of HR
    pixels: for rows and then for columns `base` [H] (int32), `phase` [H] (int32) and `relative` [P] (float32) of
    `imaging.grid.Phases`, then (r_v, r_h). It returns float32 [1, H, W, 3] in 0..255, not clipped.
    Its `fun_name` ends in the day on which it was written.
    """
    network, parameters = SRNetwork(model.config), {"params": model.parameters}
    symbols = export.symbolic_shape("h, w, H, W, P, Q")
    h, w, tall, wide, vertical, horizontal = symbols
    image = jax.ShapeDtypeStruct((1, h, w, 3), jnp.float32)

    def of_one_scale(image: Float[Array, "1 h w 3"]) -> Float[Array, "1 H W 3"]:
        scale = model.config.scale
        rows, columns = (Phases(jnp.zeros(n * scale), None, None) for n in image.shape[1:3])
        out: Any = network.apply(parameters, image, Grid(rows, columns, jnp.full(2, float(scale)), None))
        return out[0]

    def of_every_scale(image: Float[Array, "1 h w 3"], *axes: Array) -> Float[Array, "1 H W 3"]:
        grid = Grid(Phases(*axes[:3]), Phases(*axes[3:6]), axes[6], None)
        out: Any = network.apply(parameters, image, grid)
        return out[0]

    for function in (of_one_scale, of_every_scale):
        function.__name__ = f"arbsr_jax_written_{written:%Y_%m_%d}"
    if model.config.scale:
        return bytes(export.export(jax.jit(of_one_scale), platforms=PLATFORMS)(image).serialize())
    shapes = [((n,), kind) for n in (tall, wide) for kind in (jnp.int32, jnp.int32)]
    rows, columns = shapes[:2], shapes[2:]
    arrays = [*rows, ((vertical,), jnp.float32), *columns, ((horizontal,), jnp.float32), ((2,), jnp.float32)]
    structs = [jax.ShapeDtypeStruct(shape, kind) for shape, kind in arrays]
    return bytes(export.export(jax.jit(of_every_scale), platforms=PLATFORMS)(image, *structs).serialize())
