"""The hypernetwork: fully connected layers that turn a scale, or a phase, into the parameters of a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from arbsr_jax.imaging.grid import Grid
from arbsr_jax.models.layers import uniform_fan_in

FC_WIDTH = 64

Heads = Mapping[str, tuple[int, Callable[..., Array]]]  # name -> (length, initializer of the bias)
# By head, its output for every pair of phases.
PhaseTable = dict[str, Float[Array, "phases_v phases_h length"]]


class HyperNetwork(nn.Module):
    """FC 64 and ReLU, twice, then one linear head for each kind of parameter (Sections 3.2.1 and 3.2.2).

    Attributes:
      heads: what is predicted.
      layers: number of FC layers before the heads.
      width: of these layers.
      head_init: of the heads' weights. They start at zero, so that at first every input yields what the bias says.
    """

    heads: Heads = field(default_factory=dict)
    layers: int = 2
    width: int = FC_WIDTH
    head_init: nn.initializers.Initializer = nn.initializers.zeros

    @nn.compact
    def __call__(self, x: Float[Any, "inputs"]) -> dict[str, Float[Array, "length"]]:
        """The parameters for one input vector; `over_phases` maps it over a table of them."""
        for layer in range(self.layers):
            x = nn.relu(nn.Dense(self.width, kernel_init=uniform_fan_in, name=f"fc_{layer}")(x))
        return {
            name: nn.Dense(length, kernel_init=self.head_init, bias_init=initializer, name=name)(x)
            for name, (length, initializer) in self.heads.items()
        }


def _vmapped(module: type[HyperNetwork]) -> type[HyperNetwork]:
    return nn.vmap(module, variable_axes={"params": None}, split_rngs={"params": False})


# Made once, when nothing else runs: Flax changes the class for a moment, and programs are traced in several threads.
_OVER_PHASES = _vmapped(_vmapped(HyperNetwork))


def over_phases() -> type[HyperNetwork]:
    """`HyperNetwork` vmapped over two leading axes (vertical and horizontal phase), with shared weights."""
    return _OVER_PHASES


def encode_scale(scale: Float[Any, "2"], scale_input: str) -> Float[Any, "2"]:
    """What the heads see of a scale (r_v, r_h), by `ModelConfig.scale_input`."""
    return scale if scale_input == "factor" else 1 / scale


def phase_inputs(scale: Float[Any, "2"], grid: Grid) -> Float[Array, "phases_v phases_h 4"]:
    """The heads' input for every phase pair: the two numbers that stand for the scale, then R(y) and R(x)."""
    rows, columns = jnp.meshgrid(grid.rows.relative, grid.columns.relative, indexing="ij")
    scale = jnp.broadcast_to(scale, (*rows.shape, 2))
    return jnp.concatenate([scale, rows[..., None], columns[..., None]], axis=-1)
