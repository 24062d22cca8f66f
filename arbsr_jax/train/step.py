"""One training step, as it runs on each device."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, UInt8

from arbsr_jax import parallel
from arbsr_jax.models.network import Parameters, SRNetwork
from arbsr_jax.ops.geometry import Grid
from arbsr_jax.train.losses import reconstruction_loss
from arbsr_jax.train.state import TrainState

Images = tuple[UInt8[Array, "batch patch patch 3"], UInt8[Array, "batch canvas canvas 3"]]
Metrics = dict[str, Float[Array, ""]]
Step = Callable[[TrainState, Images, Grid], tuple[TrainState, Metrics]]


def make_step(network: SRNetwork, optimizer: optax.GradientTransformation) -> Step:
    """The step: (state, this device's (LR, HR), grid) -> (state, metrics), for `parallel.data_parallel`."""

    def step(state: TrainState, images: Images, grid: Grid) -> tuple[TrainState, Metrics]:
        lr, hr = (image.astype(jnp.float32) for image in images)

        def loss(parameters: Parameters) -> Float[Array, ""]:
            sr, _ = network.apply({"params": parameters}, lr, grid)
            return reconstruction_loss(sr, hr, grid.size)

        value, gradients = parallel.mean_over_devices(jax.value_and_grad(loss)(state.parameters))
        updates, optimizer_state = optimizer.update(gradients, state.optimizer, state.parameters)
        parameters = optax.apply_updates(state.parameters, updates)
        return TrainState(state.step + 1, parameters, optimizer_state), {"loss": value}

    return step
