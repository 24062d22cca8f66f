"""Everything that a training run carries from step to step."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int32

from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.network import Parameters, initialize


class TrainState(NamedTuple):
    """One pytree: what a checkpoint holds."""

    step: Int32[Array, ""]  # steps done
    parameters: Parameters
    optimizer: optax.OptState


def fresh_state(config: ModelConfig, optimizer: optax.GradientTransformation, seed: int) -> TrainState:
    """The state before the first step."""
    parameters = initialize(config, seed)
    return TrainState(jnp.zeros((), jnp.int32), parameters, jax.jit(optimizer.init)(parameters))
