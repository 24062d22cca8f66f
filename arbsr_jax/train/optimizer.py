"""Adam, and how its learning rate falls."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float32

from arbsr_jax.models.parameters import HYPER, Parameters, is_backbone
from arbsr_jax.train.settings import HALVING, OptimizerConfig

SHORTEST_TABLE = 1 << 17  # steps: all runs up to the paper's length share their programs
BACKBONE, HYPERNETWORKS, REST = "backbone", "hypernetworks", "rest"  # groups of parameters, each with its learning rate


def learning_rate(optimizer: OptimizerConfig, steps: int) -> optax.Schedule:
    """Step -> learning rate: halved every `halve_every` steps (the paper's), or warmed up and lowered as a cosine."""
    rate = optimizer.learning_rate
    if optimizer.schedule == HALVING:
        return optax.exponential_decay(rate, optimizer.halve_every, 0.5, staircase=True)
    return optax.warmup_cosine_decay_schedule(0.0, rate, min(optimizer.warmup, steps // 2), steps)


def rate_table(schedule: optax.Schedule, steps: int) -> Float32[np.ndarray, "length"]:
    """The learning rate of every step, as data for programs: they need not be compiled again for another schedule.

    The last one is repeated up to a power of two, `SHORTEST_TABLE` at least, so that few lengths occur.
    """
    length = max(SHORTEST_TABLE, 1 << max(0, steps - 1).bit_length())
    values = np.asarray(jax.vmap(schedule)(np.arange(steps, dtype=np.int32)), np.float32)
    return np.pad(values, (0, length - steps), mode="edge")


def optimizer_of(optimizer: OptimizerConfig) -> optax.GradientTransformationExtraArgs:
    """The optimizer that a config describes."""
    return adam(optimizer.backbone_lr_scale, optimizer.hyper_lr_scale)


def adam(backbone_lr_scale: float = 1.0, hyper_lr_scale: float = 1.0) -> optax.GradientTransformationExtraArgs:
    """Adam with betas (0.9, 0.999).

    Its `update` takes `rates`, a `rate_table`.

    Args:
      backbone_lr_scale: factor on the learning rate of head, blocks and last body conv.
      hyper_lr_scale: factor on that of the hypernetworks.
    """
    plain = optax.chain(optax.scale_by_adam(b1=0.9, b2=0.999), _scale_by_table())
    scales = {BACKBONE: backbone_lr_scale, HYPERNETWORKS: hyper_lr_scale, REST: 1.0}
    if set(scales.values()) != {1.0}:
        plain = optax.partition({group: optax.chain(plain, optax.scale(by)) for group, by in scales.items()}, _groups)
    return optax.with_extra_args_support(plain)


def _scale_by_table() -> optax.GradientTransformationExtraArgs:
    """Minus the learning rate of the step times the updates; steps that were ignored do not count."""

    def init(params: Any) -> optax.ScaleByScheduleState:
        del params
        return optax.ScaleByScheduleState(jnp.zeros((), jnp.int32))

    def update(updates: Any, state: Any, params: Any = None, **arguments: Any) -> tuple[Any, Any]:
        del params
        rates: Array = arguments["rates"]
        rate = rates[jnp.minimum(state.count, rates.shape[0] - 1)]
        scaled = jax.tree.map(lambda leaf: -rate * leaf, updates)
        return scaled, optax.ScaleByScheduleState(optax.safe_increment(state.count))

    return optax.GradientTransformationExtraArgs(init, update)


def _groups(parameters: Parameters) -> Any:
    """For every parameter its group."""

    def group(path: tuple, leaf: Any) -> str:
        del leaf
        names = [entry.key for entry in path]
        return BACKBONE if is_backbone(names[0]) else HYPERNETWORKS if HYPER in names else REST

    return jax.tree_util.tree_map_with_path(group, parameters)
