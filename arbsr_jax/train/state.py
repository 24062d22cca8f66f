"""Everything that a training run carries from step to step, and its start."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Int32

from arbsr_jax.errors import ArbsrError
from arbsr_jax.model_file import read_model_file
from arbsr_jax.models.parameters import BLOCK, Parameters, flatten_parameters, is_backbone, unflatten_parameters
from arbsr_jax.train.norms import fold_norms, fresh_statistics


class TrainState(NamedTuple):
    """One pytree: the content of a checkpoint.

    Attributes:
      step: steps done, skipped ones included.
      parameters: float32; masks may have batch norms.
      optimizer: of `adam`, and how many steps were not finite and changed nothing.
      statistics: running mean and variance of every batch norm; empty if there is none.
      average: moving averages of parameters and statistics (not corrected for bias); empty without averaging.
    """

    step: Int32[Array, ""]
    parameters: Parameters
    optimizer: optax.ApplyIfFiniteState
    statistics: Parameters
    average: optax.EmaState | tuple[()]

    @property
    def skipped(self) -> Int32[Array, ""]:
        """Steps whose loss or gradient was not finite."""
        return self.optimizer.total_notfinite

    @property
    def skipped_in_row(self) -> Int32[Array, ""]:
        """Of them, those since the last good one."""
        return self.optimizer.notfinite_count


def init_state(parameters: Parameters, optimizer: optax.GradientTransformation, averaged: bool = False) -> TrainState:
    """The state before the first step; `averaged`: with room for averaged weights."""
    parameters = jax.tree.map(jnp.array, parameters)  # copies: the first step donates its arguments
    statistics = fresh_statistics(parameters)
    average: Any = averaging(0.0).init((parameters, statistics)) if averaged else ()
    zero = jnp.zeros((), jnp.int32)
    guard = optax.ApplyIfFiniteState(zero, jnp.array(True), zero, jax.jit(optimizer.init)(parameters))
    return TrainState(zero, parameters, guard, statistics, average)


def count_step(guard: optax.ApplyIfFiniteState, finite: Bool[Array, ""], inner: Any) -> optax.ApplyIfFiniteState:
    """The optimizer's state after a step with the new `inner` state; a step that was not finite is counted."""
    in_row = jnp.where(finite, 0, optax.safe_increment(guard.notfinite_count))
    total = jnp.where(finite, guard.total_notfinite, optax.safe_increment(guard.total_notfinite))
    return optax.ApplyIfFiniteState(in_row, finite, total, inner)


def averaging(decay: float) -> optax.GradientTransformation:
    """The exponential moving average of weights (Polyak and Juditsky, 1992), as optax keeps it."""
    return optax.ema(decay, debias=False)


def export_weights(state: TrainState, decay: float) -> Parameters:
    """Parameters as a model file has them: averaged if the state has averages, corrected for bias, norms folded."""
    weights = (state.parameters, state.statistics)
    if isinstance(state.average, optax.EmaState) and np.asarray(state.average.count) > 0:
        weights = optax.tree.bias_correction(state.average.ema, decay, state.average.count)
    return fold_norms(*jax.tree.map(np.asarray, weights))


def init_from_teacher(parameters: Parameters, teacher: Parameters, with_ends: bool) -> Parameters:
    """Fresh student parameters with the teacher's blocks; `with_ends`: and with its head, last conv and tail."""
    shared = [
        name for name in teacher if name.startswith(BLOCK) or (with_ends and (is_backbone(name) or name == "tail"))
    ]
    return {**parameters, **{name: teacher[name] for name in shared}}


def init_from(parameters: Parameters, file: str, *, backbone_only: bool = False) -> tuple[Parameters, set[str]]:
    """Parameters with every layer that a model file has under the same name, all arrays of it of the same shapes.

    Args:
      parameters: of the network to train.
      file: a model file or the name of a shipped model; it may be of another network, such as a backbone alone.
      backbone_only: whether all that is no backbone stays fresh even where it fits.

    Returns:
      The parameters, and the paths of those that the file gave.

    Raises:
      ArbsrError: the file cannot be read, or shares no array.
    """
    given = read_model_file(file).parameters
    given = {name: layers for name, layers in given.items() if is_backbone(name) or not backbone_only}
    ours, theirs = flatten_parameters(parameters), flatten_parameters(given)
    other = {_layer(path) for path, leaf in ours.items() if path not in theirs or theirs[path].shape != leaf.shape}
    shared = {path: theirs[path] for path in ours if _layer(path) not in other}
    if not shared:
        raise ArbsrError(
            f"config.init_from={file}: none of its arrays fits the network to train; name a file of its kind"
        )
    return unflatten_parameters({**ours, **shared}), set(shared)


def _layer(path: str) -> str:
    return path.rpartition("/")[0]
