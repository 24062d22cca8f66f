"""The parts of a network as compiled programs, one for each combination of array shapes, never for a scale."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float32, PyTree, UInt8

from arbsr_jax import parallel
from arbsr_jax.compilation import ProgramCache, own_settings, run
from arbsr_jax.imaging.grid import Grid, Phases
from arbsr_jax.inference.lanes import most_lanes, over_lanes, split_to_lanes, to_lanes
from arbsr_jax.inference.limits import TABLE_BYTES
from arbsr_jax.inference.stats import Stats
from arbsr_jax.inference.strips import decode_in_strips
from arbsr_jax.kernels.conv3x3 import ConvOptions
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.extent import Extent
from arbsr_jax.models.hyper import PhaseTable
from arbsr_jax.models.network import SRNetwork, phase_values
from arbsr_jax.models.parameters import Parameters, cast_parameters

TABLE_ROWS = 16  # of a phase table at a time: its fully connected layers then take little memory

LaneFeatures = Float[Array, "lanes batch height width channels"]
Result = TypeVar("Result")


class CompiledNetwork:
    """A network's programs, kept once compiled. Arrays have a leading axis of lanes, devices that work side by side.

    Attributes:
      programs: all that this network used, in that order. Networks of one config share them.
      seconds: that it spent on compiling.
      stats: what all images so far cost.
      lanes: the most that there can be; one of them works just as well.
      functions: what is compiled, by name and number of lanes.
      by_cell: whether decoding asks for grids with cells.
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
        self.by_cell = config.upsampler == "field"
        self._dtype, self._table_bytes, self._values = dtype, table_bytes, phase_values(config)
        self.programs: list[jax.stages.Compiled] = []
        self.seconds, self.stats, self.lanes = 0.0, Stats(), most_lanes()
        parts = {n: parts_of(config, dtype, n, ConvOptions(block=parallel.block_values(n))) for n in (1, self.lanes)}
        self._caches = {(name, n): cache for n, part in parts.items() for name, (_, cache) in part.items()}
        self.functions = {(name, n): function for n, part in parts.items() for name, (function, _) in part.items()}
        self.replace(parameters)

    def _run(self, name: str, lanes: int, *arguments: PyTree) -> Any:
        program, seconds = self._caches[name, lanes].compiled(*arguments)
        if not any(program is known for known in self.programs):
            self.programs.append(program)
        self.seconds += seconds
        return run(program, *arguments)

    def replace(self, parameters: Parameters) -> None:
        """Use other parameters of the same network; compiled programs stay."""
        cast = cast_parameters(parameters, self._dtype)
        with own_settings():
            self._parameters = {lanes: to_lanes(cast, lanes) for lanes in {1, self.lanes}}
        self._last_table: tuple[Any, PhaseTable | None] = None, None

    def timed(self, compute: Callable[[], Result]) -> tuple[Result, float]:
        """The result of `compute`, and the seconds that it took, without those in which this network compiled."""
        begin, compiling = time.perf_counter(), self.seconds
        result = compute()
        return result, time.perf_counter() - begin - (self.seconds - compiling)

    def send(self, split: PyTree) -> PyTree:
        """Arrays [lanes, ...] on their devices."""
        with own_settings():
            return split_to_lanes(split, len(jax.tree.leaves(split)[0]))

    def encode(
        self, lr: Float[np.ndarray, "lanes batch height width 3"], scale: Float32[Any, "2"], extent: Extent
    ) -> tuple[LaneFeatures, Bool[Array, "lanes"] | None]:
        """LR features of images in 0..255, an extent for each lane, for a scale (r_v, r_h).

        Returns:
          The features, and for each lane whether all are finite; None in float32, where they are.
        """
        lanes = len(lr)
        return self._run("encode", lanes, (self._parameters[lanes], scale), (lr, extent))

    def phase_table(self, grid: Grid, lanes: int = 1) -> PhaseTable | None:
        """The outputs of the upsampler's heads for a grid's phases; None if it has no heads, or they take too much.

        Heads see scale and phases, but no image: all grids with both in common share the last table. It lies on the
        devices of so many lanes.
        """
        rows, columns = (Phases(None, None, axis.relative) for axis in (grid.rows, grid.columns))
        if not 0 < 4 * self._values * len(rows.relative) * len(columns.relative) <= self._table_bytes:
            return None
        inputs = Grid(rows, columns, grid.scale, None)
        key = lanes, [leaf.tobytes() for leaf in jax.tree.leaves(inputs)]
        last = self._last_table  # another thread may replace it meanwhile
        if key != last[0]:
            table = self._run("phase_table", 1, self._parameters[1], inputs)
            with own_settings():
                table = to_lanes(table, lanes)
            self._last_table = last = key, table
        return last[1]

    def decode(
        self,
        features: LaneFeatures,
        extent: Extent,
        grid: Grid,
        scale: Float32[Any, "2"],
        table: PhaseTable | None = None,
        *,
        rounded: bool = False,
    ) -> Float[Array, "lanes batch rows columns 3"] | UInt8[Array, "lanes batch rows columns 3"]:
        """HR pixels in 0..255 for a window of each lane: float32 and not clipped, or uint8.

        Args:
          features: of `encode`.
          extent: of the features of each lane.
          grid: of the window of each lane, without a scale.
          scale: (r_v, r_h).
          table: as of `phase_table`, the same for all windows.
          rounded: half up and clipped.
        """
        lanes, name = len(features), "decode_rounded" if rounded else "decode"
        shared, split = (self._parameters[lanes], scale, table), (features, extent, grid)
        return self._run(name, lanes, shared, split)


@functools.lru_cache(maxsize=16)
def parts_of(
    config: ModelConfig, dtype: jnp.dtype | type, lanes: int, options: ConvOptions
) -> dict[str, tuple[Callable[..., Any], ProgramCache]]:
    """A network's parts for so many lanes, as functions and as programs, by name."""
    network = SRNetwork(config, dtype, options)
    parts = {part.__name__.lstrip("_"): _bound(part, network) for part in (_encode, _decode, _decode_rounded)}
    caches = {name: (part, ProgramCache(over_lanes(part, lanes))) for name, part in parts.items()}
    table = _bound(_phase_table, network)
    return {**caches, "phase_table": (table, ProgramCache(jax.jit(table)))}


def _encode(network: SRNetwork, shared: tuple, split: tuple) -> tuple[Array, Array | None]:
    (parameters, scale), (lr, extent) = shared, split
    out: Any = network.apply({"params": parameters}, lr, scale, extent, method="encode")
    features = out[0]
    return features, None if network.dtype == jnp.float32 else jnp.isfinite(features).all()


def _phase_table(network: SRNetwork, parameters: Parameters, inputs: Grid) -> PhaseTable:
    def of_row(relative: Array) -> dict[str, Array]:
        grid = inputs._replace(rows=Phases(None, None, relative[None]))
        table: Any = network.apply({"params": parameters}, grid, method="phase_table")
        return jax.tree.map(lambda values: values[0], table)

    return jax.lax.map(of_row, inputs.rows.relative, batch_size=TABLE_ROWS)


def _decode(network: SRNetwork, shared: tuple, split: tuple) -> Array:
    (parameters, scale, table), (features, extent, grid) = shared, split

    def at_once(parameters: Parameters, *arguments: object) -> Any:
        return network.apply({"params": parameters}, *arguments, method="decode")

    arguments = parameters, features, extent, grid._replace(scale=scale), table
    if network.config.scale or grid.cells:  # these decode strip by strip themselves, if at all
        return at_once(*arguments)
    in_strips = partial(decode_in_strips, network)
    return jax.lax.platform_dependent(*arguments, cpu=in_strips, default=at_once)


def _decode_rounded(network: SRNetwork, shared: tuple, split: tuple) -> Array:
    return jnp.clip(jnp.floor(_decode(network, shared, split) + 0.5), 0, 255).astype(jnp.uint8)


def _bound(part: Callable[..., Any], network: SRNetwork) -> Any:
    """A part of one network, under its own name."""
    bound: Any = partial(part, network)
    bound.__name__ = part.__name__
    return bound
