"""Everything that a training run carries from step to step."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Int32

from arbsr_jax.models.network import Parameters


class TrainState(NamedTuple):
    """One pytree: what a checkpoint holds."""

    step: Int32[Array, ""]  # steps done, skipped ones included
    parameters: Parameters  # float32
    optimizer: optax.OptState  # for all parameters as one vector
    skipped: Int32[Array, ""]  # steps whose loss or gradient was not finite
    skipped_in_row: Int32[Array, ""]  # of them, those since the last good one


def fresh_state(parameters: Parameters, optimizer: optax.GradientTransformation) -> TrainState:
    """The state before the first step."""
    parameters = jax.tree.map(jnp.array, parameters)  # copies: the first step donates what it is given
    step, skipped, skipped_in_row = (jnp.zeros((), jnp.int32) for _ in range(3))
    return TrainState(step, parameters, jax.jit(optimizer.init)(ravel_pytree(parameters)[0]), skipped, skipped_in_row)
