"""Everything that a training run carries from step to step, and its start."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int32

from arbsr_jax.errors import ArbsrError
from arbsr_jax.model_file import few, load_model
from arbsr_jax.models.parameters import BLOCK, Parameters, flatten_parameters, in_backbone, unflatten_parameters


class TrainState(NamedTuple):
    """One pytree: the content of a checkpoint.

    Attributes:
      step: steps done, skipped ones included.
      parameters: float32.
      optimizer: of `guarded_adam`.
    """

    step: Int32[Array, ""]
    parameters: Parameters
    optimizer: optax.ApplyIfFiniteState

    @property
    def skipped(self) -> Int32[Array, ""]:
        """Steps whose loss or gradient was not finite."""
        return self.optimizer.total_notfinite

    @property
    def skipped_in_row(self) -> Int32[Array, ""]:
        """Of them, those since the last good one."""
        return self.optimizer.notfinite_count


def fresh_state(parameters: Parameters, optimizer: optax.GradientTransformation) -> TrainState:
    """The state before the first step."""
    parameters = jax.tree.map(jnp.array, parameters)  # copies: the first step donates its arguments
    return TrainState(jnp.zeros((), jnp.int32), parameters, jax.jit(optimizer.init)(parameters))


def init_from_teacher(parameters: Parameters, teacher: Parameters, with_ends: bool) -> Parameters:
    """Fresh student parameters with the teacher's blocks; `with_ends`: and with its head, last conv and tail."""
    shared = [
        name for name in teacher if name.startswith(BLOCK) or (with_ends and (in_backbone(name) or name == "tail"))
    ]
    return {**parameters, **{name: teacher[name] for name in shared}}


def init_from(parameters: Parameters, file: str) -> tuple[Parameters, str]:
    """Parameters with every layer that a model file has under the same name, all arrays of it of the same shapes.

    Args:
      parameters: of the network to train.
      file: a model file or the name of a shipped model; it may be of another network, such as a backbone alone.

    Returns:
      The parameters, and in words the parts that stayed fresh.

    Raises:
      ArbsrError: the file cannot be read, or shares no array.
    """
    ours, theirs = flatten_parameters(parameters), flatten_parameters(load_model(file).parameters)
    other = {_layer(path) for path, leaf in ours.items() if path not in theirs or theirs[path].shape != leaf.shape}
    shared = {path: theirs[path] for path in ours if _layer(path) not in other}
    if not shared:
        raise ArbsrError(
            f"config.init_from={file}: none of its arrays fits the network to train; name a file of its kind"
        )
    stayed = sorted({path.split("/")[0] for path in ours.keys() - shared.keys()})
    words = f"starts from {file}: {len(shared)} of {len(ours)} arrays; fresh: {few(stayed)}"
    return unflatten_parameters({**ours, **shared}), words


def _layer(path: str) -> str:
    return path.rpartition("/")[0]
