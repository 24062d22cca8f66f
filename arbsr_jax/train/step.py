"""One training step, as it runs on each device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, UInt8

from arbsr_jax import parallel
from arbsr_jax.imaging.grid import Grid
from arbsr_jax.kernels.conv3x3 import ConvOptions
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.network import SRNetwork
from arbsr_jax.models.parameters import Parameters, cast_parameters, is_backbone
from arbsr_jax.train.distillation import output_loss, reconstruction_loss, some_pixels, transfer_loss
from arbsr_jax.train.norms import STATISTICS, training_network
from arbsr_jax.train.state import TrainState, averaging, count_step

PatchPair = tuple[UInt8[Array, "batch patch patch 3"], UInt8[Array, "batch canvas canvas 3"]]
SKIPPED, SKIPPED_IN_ROW = "skipped", "skipped_in_row"  # counts among the metrics: steps that changed nothing
Metrics = dict[str, Float[Array, ""]]


class Constants(NamedTuple):
    """The arguments of a step besides state and images, the same on every device.

    Attributes:
      grid: of the batch's scale.
      rates: learning rates, of `rate_table`.
      teacher: parameters of the network whose features are transferred.
      output_teacher: parameters of the network whose SR images are targets.
    """

    grid: Grid
    rates: Float[Array, "length"]
    teacher: Parameters | None = None
    output_teacher: Parameters | None = None


Step = Callable[[TrainState, PatchPair, Constants], tuple[TrainState, Metrics]]


def make_step(
    model: ModelConfig,
    optimizer: optax.GradientTransformationExtraArgs,
    *,
    teacher: ModelConfig | None = None,
    transfer_weight: float = 0.0,
    output_teacher: ModelConfig | None = None,
    output_share: float = 0.0,
    ema: float = 0.0,
    accumulate: int = 1,
    rim: int = 0,
    hr_stride: int = 1,
    frozen_backbone: bool = False,
    dtype: jnp.dtype | type = jnp.float32,
) -> Step:
    """The step (state, this device's (LR, HR), constants) -> (state, metrics), for `parallel.DataParallel`.

    Args:
      model: the network to train.
      optimizer: of the state, from `adam`.
      teacher: the network whose parameters come with the constants; None for a step without transfer.
      transfer_weight: lambda of Eq. 7.
      output_teacher: a network for every scale whose SR images are targets too; None for a step without.
      output_share: a in (1 - a) * L_SR + a * L_output, which takes the place of L_SR.
      ema: decay of the averaged weights, if the state has them.
      accumulate: parts of a device's batch that are computed one after the other, in as much less memory. Gradients are
        those of the batch, but for batch norms, which see one part at a time.
      rim: LR pixels on every side of a patch over which no HR pixel counts.
      hr_stride: of the HR rows and columns that a step computes and compares, in turn; above 1 for networks that
        compute pixels one by one.
      frozen_backbone: whether head, blocks and last body conv stay as they are: their gradients are not computed.
      dtype: of backbones; parameters and loss stay float32.

    Returns:
      The step. If loss or gradients are not finite it leaves all weights alone and counts itself.
    """
    options = ConvOptions(block=parallel.block_values())

    def frozen(config: ModelConfig, parameters: Parameters | None, lr: Array, grid: Grid) -> Any:
        assert parameters is not None
        parameters = cast_parameters(jax.lax.stop_gradient(parameters), dtype)
        return SRNetwork(config, dtype, options).apply({"params": parameters}, lr, grid)

    def forward(parameters: Parameters, statistics: Parameters, lr: Array, grid: Grid) -> Any:
        if frozen_backbone:
            parameters = {k: jax.lax.stop_gradient(v) if is_backbone(k) else v for k, v in parameters.items()}
        network = training_network(model, bool(statistics), dtype, options, parallel.AXIS)
        variables = {"params": cast_parameters(parameters, dtype), STATISTICS: statistics}
        result, updated = network.apply(variables, lr, grid, mutable=[STATISTICS])
        return *result, updated.get(STATISTICS, {})

    def step(state: TrainState, images: PatchPair, constants: Constants) -> tuple[TrainState, Metrics]:
        side = images[0].shape[-2]
        inside = min(rim, side // 4), side

        def loss(parameters: Parameters, statistics: Parameters, images: PatchPair) -> tuple[Array, Any]:
            lr, hr = (image.astype(jnp.float32) for image in images)
            grid = constants.grid
            if hr_stride > 1:
                hr, grid = some_pixels(hr, grid, state.step, hr_stride)
            sr, out, statistics = forward(parameters, statistics, lr, grid)
            metrics = {"reconstruction": reconstruction_loss(sr, hr, grid, *inside)}
            total = metrics["reconstruction"]
            if output_teacher is not None:
                metrics["output"] = output_loss(
                    sr,
                    grid,
                    lambda grid, config=output_teacher: frozen(config, constants.output_teacher, lr, grid)[0],
                    state.step if output_teacher.pixelwise else None,
                    *inside,
                )
                total = (1 - output_share) * total + output_share * metrics["output"]
            if teacher is not None:
                _, teacher_out = frozen(teacher, constants.teacher, lr, grid)
                metrics["transfer"] = transfer_loss(out["features"], teacher_out["features"])
                total += transfer_weight * metrics["transfer"]
            return total, ({"loss": total, **metrics}, statistics)

        def part(statistics: Parameters, images: PatchPair) -> tuple[Parameters, Any]:
            gradients, (metrics, statistics) = jax.grad(loss, has_aux=True)(state.parameters, statistics, images)
            return statistics, (gradients, metrics)

        if accumulate == 1:
            statistics, (gradients, metrics) = part(state.statistics, images)
        else:
            parts = jax.tree.map(lambda x: x.reshape(accumulate, -1, *x.shape[1:]), images)
            statistics, gradients, metrics = _summed(part, state.statistics, parts)
        gradients, metrics = parallel.mean_over_devices((gradients, metrics))
        # Squares too: they may overflow while every gradient is finite.
        finite = jnp.isfinite(metrics["loss"] + optax.tree.norm(gradients, squared=True))

        def updated() -> tuple[Any, ...]:
            updates, adam = optimizer.update(
                gradients, state.optimizer.inner_state, state.parameters, rates=constants.rates
            )
            parameters: Any = optax.apply_updates(state.parameters, updates)
            average = state.average
            if average:
                average = averaging(ema).update((parameters, statistics), average)[1]
            return parameters, adam, statistics, average

        def unchanged() -> tuple[Any, ...]:
            return state.parameters, state.optimizer.inner_state, state.statistics, state.average

        # One branch for all arrays. XLA fuses a `where` and all that its condition depends on into the update of each
        # array: the step of a small network would take four times as long to compile.
        parameters, adam, *others = jax.lax.cond(finite, updated, unchanged)
        state = TrainState(state.step + 1, parameters, count_step(state.optimizer, finite, adam), *others)
        return state, {**metrics, SKIPPED: state.skipped, SKIPPED_IN_ROW: state.skipped_in_row}

    return step


def _summed(
    part: Callable[..., Any], statistics: Parameters, parts: tuple[Array, Array]
) -> tuple[Parameters, Any, Metrics]:
    """Statistics after all parts of a batch [parts, ...], and the means of gradients and metrics."""
    count = len(parts[0])
    shapes = jax.eval_shape(part, statistics, jax.tree.map(lambda x: x[0], parts))[1]
    zeros = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)

    def add(carry: Any, images: PatchPair) -> tuple[Any, None]:
        statistics, sums = carry
        statistics, values = part(statistics, images)
        return (statistics, jax.tree.map(jnp.add, sums, values)), None

    (statistics, sums), _ = jax.lax.scan(add, (statistics, zeros), parts)
    gradients, metrics = jax.tree.map(lambda total: total / count, sums)
    return statistics, gradients, metrics
