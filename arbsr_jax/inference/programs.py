"""The two halves of a network as compiled programs, one for each combination of array shapes, never for a scale."""

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
from arbsr_jax.models.network import Parameters, SRNetwork, cast_parameters
from arbsr_jax.ops.geometry import Grid


class Programs:
    """A network's programs, kept once compiled.

    Attributes:
      compiled: all of them.
      seconds: time spent on compiling.
    """

    def __init__(self, config: ModelConfig, parameters: Parameters, dtype: jnp.dtype = jnp.float32) -> None:
        """Nothing is compiled yet; `dtype` is what the backbone computes in."""
        self._scale, self._dtype, self._network = config.scale, dtype, SRNetwork(config, dtype)
        self._compiled: dict[tuple, jax.stages.Compiled] = {}
        self.seconds = 0.0
        self.replace(parameters)

    @property
    def compiled(self) -> list[jax.stages.Compiled]:  # noqa: D102 (described above)
        return list(self._compiled.values())

    def replace(self, parameters: Parameters) -> None:
        """Use other parameters of the same network; compiled programs stay."""
        self._parameters = jax.device_put(cast_parameters(parameters, self._dtype))

    def encode(self, lr: Float[np.ndarray, "1 height width 3"], factors: np.ndarray, area: Area) -> Array:
        """LR features of an image in 0..255 that fills `area`, for factors (r_v, r_h)."""
        return self._run(self._encode, lr, factors, area)

    def decode(self, features: Array, grid: Grid, area: Area, inside: Area) -> Float[Array, "rows columns 3"]:
        """HR pixels in 0..255, not clipped; `inside` is what of the canvas is HR image."""
        return self._run(self._decode, features, grid, area, inside)

    def decode_rounded(self, features: Array, grid: Grid, area: Area, inside: Area) -> UInt8[Array, "rows columns 3"]:
        """`decode`, rounded half up and clipped."""
        return self._run(self._decode_rounded, features, grid, area, inside)

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

    def _decode(self, parameters: Parameters, features: Array, grid: Grid, area: Area, inside: Area) -> Array:
        if jax.default_backend() == "cpu" and not self._scale:
            return decode_in_strips(self._network, parameters, features, grid, area, inside)[0]
        return self._network.apply({"params": parameters}, features, grid, area, inside, method="decode")[0]

    def _decode_rounded(self, *arguments: Any) -> Array:
        return jnp.clip(jnp.floor(self._decode(*arguments) + 0.5), 0, 255).astype(jnp.uint8)
