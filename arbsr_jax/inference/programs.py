"""The parts of a network as compiled programs, one for each combination of array shapes, never for a scale."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from arbsr_jax import parallel
from arbsr_jax.inference.strips import decode_in_strips
from arbsr_jax.models.area import Area
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.hyper import PhaseTable
from arbsr_jax.models.network import Parameters, SRNetwork, cast_parameters, phase_values
from arbsr_jax.ops.geometry import Grid, Phases

KEPT_BYTES = 2**26  # of a phase table; what larger ones hold is computed where it is used
TABLED_ROWS = 16  # of a phase table at a time: its fully connected layers then take no memory worth mentioning


class Programs:
    """A network's programs, kept once compiled.

    Attributes:
      compiled: all of them.
      seconds: time spent on compiling.
    """

    def __init__(self, config: ModelConfig, parameters: Parameters, dtype: jnp.dtype = jnp.float32) -> None:
        """Nothing is compiled yet; `dtype` is what the backbone computes in."""
        self._scale, self._dtype, self._network = config.scale, dtype, SRNetwork(config, dtype)
        self._values = phase_values(config)
        self._compiled: dict[tuple, jax.stages.Compiled] = {}
        self.seconds = 0.0
        self.replace(parameters)

    @property
    def compiled(self) -> list[jax.stages.Compiled]:  # noqa: D102 (described above)
        return list(self._compiled.values())

    def replace(self, parameters: Parameters) -> None:
        """Use other parameters of the same network; compiled programs stay."""
        self._parameters = jax.device_put(cast_parameters(parameters, self._dtype))
        self._kept: tuple[list[bytes], PhaseTable | None] = [], None

    def encode(self, lr: Float[np.ndarray, "1 height width 3"], factors: np.ndarray, area: Area) -> Array:
        """LR features of an image in 0..255 that fills `area`, for factors (r_v, r_h)."""
        return self._run(self._encode, lr, factors, area)

    def phase_table(self, grid: Grid) -> PhaseTable | None:
        """What the upsampler's heads give for a grid's phases; None where it has no heads, or would give too much.

        They see scale and phases, but no image: the last table is kept for all that have both in common.
        """
        rows, columns = (Phases(None, None, axis.relative) for axis in (grid.rows, grid.columns))
        if not 0 < 4 * self._values * len(rows.relative) * len(columns.relative) <= KEPT_BYTES:
            return None
        seen = Grid(rows, columns, grid.scale, None)
        key = [leaf.tobytes() for leaf in jax.tree.leaves(seen)]
        kept = self._kept  # another thread may keep another one meanwhile
        if key != kept[0]:
            self._kept = kept = key, self._run(self._phase_table, seen)
        return kept[1]

    def decode(
        self, features: Array, grid: Grid, area: Area, inside: Area, table: PhaseTable | None = None
    ) -> Float[Array, "rows columns 3"]:
        """HR pixels in 0..255, not clipped; `inside` is what of the canvas is HR image, `table` as of `phase_table`."""
        return self._run(self._decode, features, grid, area, inside, table)

    def decode_rounded(
        self, features: Array, grid: Grid, area: Area, inside: Area, table: PhaseTable | None = None
    ) -> UInt8[Array, "rows columns 3"]:
        """`decode`, rounded half up and clipped."""
        return self._run(self._decode_rounded, features, grid, area, inside, table)

    def _run(self, function: Callable[..., Array], *arguments: Any) -> Array:
        leaves, structure = jax.tree.flatten(arguments)
        key = (function.__name__, structure, tuple(leaf.shape for leaf in leaves))
        if key not in self._compiled:
            begin = time.perf_counter()
            lowered = jax.jit(function).lower(self._parameters, *arguments)
            self._compiled[key] = lowered.compile(compiler_options=parallel.compiler_options())
            self.seconds += time.perf_counter() - begin
        return self._compiled[key](self._parameters, *arguments)

    def _encode(self, parameters: Parameters, lr: Array, factors: Array, area: Area) -> Array:
        return self._network.apply({"params": parameters}, lr, factors, area, method="encode")[0]

    def _phase_table(self, parameters: Parameters, seen: Grid) -> PhaseTable:
        def of_row(relative: Array) -> PhaseTable:
            grid = seen._replace(rows=Phases(None, None, relative[None]))
            table = self._network.apply({"params": parameters}, grid, method="phase_table")
            return jax.tree.map(lambda values: values[0], table)

        return jax.lax.map(of_row, seen.rows.relative, batch_size=TABLED_ROWS)

    def _decode(self, parameters: Parameters, *arguments: Any) -> Array:
        if jax.default_backend() == "cpu" and not self._scale:
            return decode_in_strips(self._network, parameters, *arguments)[0]
        return self._network.apply({"params": parameters}, *arguments, method="decode")[0]

    def _decode_rounded(self, *arguments: Any) -> Array:
        return jnp.clip(jnp.floor(self._decode(*arguments) + 0.5), 0, 255).astype(jnp.uint8)
