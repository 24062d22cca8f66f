"""One training step, as it runs on each device."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, UInt8

from arbsr_jax import parallel
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.network import Parameters, SRNetwork, cast_parameters, in_backbone
from arbsr_jax.ops.geometry import Grid
from arbsr_jax.train.imitation import imitation_loss
from arbsr_jax.train.losses import reconstruction_loss, transfer_loss
from arbsr_jax.train.state import TrainState

Images = tuple[UInt8[Array, "batch patch patch 3"], UInt8[Array, "batch canvas canvas 3"]]
Metrics = dict[str, Float[Array, ""]]


class Constants(NamedTuple):
    """What a step takes besides state and images, the same on every device."""

    grid: Grid
    teacher: Parameters | None = None
    imitated: Parameters | None = None


Step = Callable[[TrainState, Images, Constants], tuple[TrainState, Metrics]]


def make_step(
    model: ModelConfig,
    optimizer: optax.GradientTransformation,
    *,
    teacher: ModelConfig | None = None,
    transfer_weight: float = 0.0,
    imitated: ModelConfig | None = None,
    imitation_share: float = 0.0,
    backbone_rate: float = 1.0,
    dtype: jnp.dtype = jnp.float32,
) -> Step:
    """The step (state, this device's (LR, HR), constants) -> (state, metrics), for `parallel.DataParallel`.

    Args:
      model: the network to train.
      optimizer: as `fresh_state` was given.
      teacher: the network whose parameters come with the constants; None for a step without transfer.
      transfer_weight: lambda of Eq. 7.
      imitated: a network for every scale whose SR images are targets too; its parameters come with the constants.
      imitation_share: a in (1 - a) * L_SR + a * L_imitation, which takes the place of L_SR.
      backbone_rate: what the learning rate is multiplied by for head, blocks and last body conv.
      dtype: what backbones compute in; parameters and loss stay float32.

    Returns:
      The step. If loss, gradients or updates are not finite it leaves the parameters alone and counts itself.
    """

    def forward(config: ModelConfig, parameters: Parameters, lr: Array, grid: Grid) -> tuple[Array, dict]:
        return SRNetwork(config, dtype).apply({"params": cast_parameters(parameters, dtype)}, lr, grid)

    def step(state: TrainState, images: Images, constants: Constants) -> tuple[TrainState, Metrics]:
        lr, hr = (image.astype(jnp.float32) for image in images)
        grid = constants.grid

        def loss(parameters: Parameters) -> tuple[Float[Array, ""], Metrics]:
            sr, out = forward(model, parameters, lr, grid)
            metrics = {"reconstruction": reconstruction_loss(sr, hr, grid.size)}
            total = metrics["reconstruction"]
            if imitated is not None:
                frozen = jax.lax.stop_gradient(constants.imitated)
                metrics["imitation"] = imitation_loss(
                    sr,
                    grid,
                    lambda grid: forward(imitated, frozen, lr, grid)[0],
                    state.step if imitated.pixelwise else None,
                )
                total = (1 - imitation_share) * total + imitation_share * metrics["imitation"]
            if teacher is not None:
                _, teacher_out = forward(teacher, jax.lax.stop_gradient(constants.teacher), lr, grid)
                metrics["transfer"] = transfer_loss(out["features"], teacher_out["features"])
                total += transfer_weight * metrics["transfer"]
            return total, {"loss": total, **metrics}

        gradients, metrics = jax.grad(loss, has_aux=True)(state.parameters)
        # One vector instead of hundreds of leaves: one exchange between devices, and far fewer kernels to compile.
        gradient, as_tree = ravel_pytree(gradients)
        gradient, metrics = parallel.mean_over_devices((gradient, metrics))
        update, optimizer_state = optimizer.update(gradient, state.optimizer)
        if backbone_rate != 1:
            update *= ravel_pytree(relative_rates(state.parameters, backbone_rate))[0]
        good = jnp.isfinite(jnp.stack([metrics["loss"], jnp.vdot(gradient, gradient), jnp.vdot(update, update)])).all()
        bad = 1 - good.astype(jnp.int32)
        state = TrainState(
            step=state.step + 1,
            parameters=optax.apply_updates(state.parameters, as_tree(jnp.where(good, update, 0.0))),
            optimizer=jax.tree.map(lambda new, old: jnp.where(good, new, old), optimizer_state, state.optimizer),
            skipped=state.skipped + bad,
            skipped_in_row=(state.skipped_in_row + 1) * bad,
        )
        return state, {**metrics, "skipped_in_row": state.skipped_in_row}

    return step


def relative_rates(parameters: Parameters, backbone_rate: float) -> Parameters:
    """For every parameter what its learning rate is multiplied by."""
    rates = {name: backbone_rate if in_backbone(name) else 1.0 for name in parameters}
    return {name: jax.tree.map(lambda leaf, r=rates[name]: jnp.full_like(leaf, r), parameters[name]) for name in rates}
