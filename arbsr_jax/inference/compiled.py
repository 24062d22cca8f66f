"""The parts of a network as compiled programs, one for each combination of array shapes, never for a scale."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from arbsr_jax import parallel
from arbsr_jax.compilation import ProgramCache
from arbsr_jax.imaging.grid import Grid, Phases
from arbsr_jax.inference.plan import TABLE_BYTES
from arbsr_jax.inference.strips import decode_in_strips
from arbsr_jax.kernels.conv3x3 import ConvOptions
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.extent import Extent
from arbsr_jax.models.hyper import PhaseTable
from arbsr_jax.models.network import SRNetwork, phase_values
from arbsr_jax.models.parameters import Parameters, cast_parameters

TABLE_ROWS = 16  # of a phase table at a time: its fully connected layers then take little memory

Features = Float[Array, "1 height width channels"]


class CompiledNetwork:
    """A network's programs, kept once compiled.

    Attributes:
      programs: all of them, in the order in which they were compiled.
      seconds: time spent on compiling.
    """

    def __init__(
        self,
        config: ModelConfig,
        parameters: Parameters,
        dtype: jnp.dtype | type = jnp.float32,
        table_bytes: int = TABLE_BYTES,
    ) -> None:
        """Nothing is compiled yet.

        Args:
          config: of the network.
          parameters: float32 weights.
          dtype: of the backbone.
          table_bytes: of the largest phase table that is kept.
        """
        self._fixed_scale, self._dtype, self._table_bytes = config.scale, dtype, table_bytes
        self._network = SRNetwork(config, dtype, ConvOptions(block=parallel.block_values()))
        self._values = phase_values(config)
        self.programs: list[jax.stages.Compiled] = []
        self.seconds = 0.0
        parts = self._encode, self._phase_table, self._decode, self._decode_rounded
        self._caches = {part.__name__.lstrip("_"): ProgramCache(jax.jit(part), self._note) for part in parts}
        self.replace(parameters)

    def _note(self, program: jax.stages.Compiled, seconds: float) -> None:
        self.programs.append(program)
        self.seconds += seconds

    def replace(self, parameters: Parameters) -> None:
        """Use other parameters of the same network; compiled programs stay."""
        self._parameters = jax.device_put(cast_parameters(parameters, self._dtype))
        self._last_table: tuple[list[bytes], PhaseTable | None] = [], None

    def encode(
        self, lr: Float[np.ndarray, "1 height width 3"], scale: Float[np.ndarray, "2"], extent: Extent
    ) -> Features:
        """LR features of an image in 0..255 of an extent, for a scale (r_v, r_h)."""
        return self._caches["encode"](self._parameters, lr, scale, extent)

    def phase_table(self, grid: Grid) -> PhaseTable | None:
        """The outputs of the upsampler's heads for a grid's phases; None if it has no heads, or they take too much.

        Heads see scale and phases, but no image: all grids with both in common share the last table.
        """
        rows, columns = (Phases(None, None, axis.relative) for axis in (grid.rows, grid.columns))
        if not 0 < 4 * self._values * len(rows.relative) * len(columns.relative) <= self._table_bytes:
            return None
        inputs = Grid(rows, columns, grid.scale, None)
        key = [leaf.tobytes() for leaf in jax.tree.leaves(inputs)]
        last = self._last_table  # another thread may replace it meanwhile
        if key != last[0]:
            self._last_table = last = key, self._caches["phase_table"](self._parameters, inputs)
        return last[1]

    def decode(
        self, features: Features, extent: Extent, grid: Grid, table: PhaseTable | None = None
    ) -> Float[Array, "rows columns 3"]:
        """HR pixels in 0..255, not clipped; `table` as of `phase_table`."""
        return self._caches["decode"](self._parameters, features, extent, grid, table)

    def decode_rounded(
        self, features: Features, extent: Extent, grid: Grid, table: PhaseTable | None = None
    ) -> UInt8[Array, "rows columns 3"]:
        """`decode`, rounded half up and clipped."""
        return self._caches["decode_rounded"](self._parameters, features, extent, grid, table)

    def _encode(self, parameters: Parameters, lr: Array, scale: Array, extent: Extent) -> Array:
        out: Any = self._network.apply({"params": parameters}, lr, scale, extent, method="encode")
        return out[0]

    def _phase_table(self, parameters: Parameters, inputs: Grid) -> PhaseTable:
        def of_row(relative: Array) -> dict[str, Array]:
            grid = inputs._replace(rows=Phases(None, None, relative[None]))
            table: Any = self._network.apply({"params": parameters}, grid, method="phase_table")
            return jax.tree.map(lambda values: values[0], table)

        return jax.lax.map(of_row, inputs.rows.relative, batch_size=TABLE_ROWS)

    def _decode(
        self, parameters: Parameters, features: Array, extent: Extent, grid: Grid, table: PhaseTable | None
    ) -> Array:
        def at_once(parameters: Parameters, *arguments: object) -> Any:
            return self._network.apply({"params": parameters}, *arguments, method="decode")

        arguments = parameters, features, extent, grid, table
        if self._fixed_scale:
            return at_once(*arguments)[0]
        in_strips = partial(decode_in_strips, self._network)
        return jax.lax.platform_dependent(*arguments, cpu=in_strips, default=at_once)[0]

    def _decode_rounded(self, *arguments: Any) -> Array:
        return jnp.clip(jnp.floor(self._decode(*arguments) + 0.5), 0, 255).astype(jnp.uint8)
