"""Adam, how its learning rate falls, and what it does with gradients that are not finite."""

from __future__ import annotations

import jax
import numpy as np
import optax
from ml_collections import ConfigDict

from arbsr_jax.errors import ArbsrError
from arbsr_jax.models.parameters import Parameters, in_backbone

SCHEDULES = ("halving", "cosine")
BACKBONE, PLUG_IN = "backbone", "plug_in"  # groups of parameters, each with its learning rate


def learning_rate(config: ConfigDict, steps: int) -> optax.Schedule:
    """Step -> learning rate: halved every `halve_every` steps (the paper's), or warmed up and lowered as a cosine.

    Raises:
      ArbsrError: the schedule's name is unknown.
    """
    if config.schedule == "halving":
        return optax.exponential_decay(config.learning_rate, config.halve_every, 0.5, staircase=True)
    if config.schedule == "cosine":
        return optax.warmup_cosine_decay_schedule(0.0, config.learning_rate, min(config.warmup, steps // 2), steps)
    raise ArbsrError(f"config.optimizer.schedule={config.schedule!r}; allowed: {', '.join(SCHEDULES)}")


def make_optimizer(config: ConfigDict, steps: int) -> optax.GradientTransformation:
    """Adam with betas (0.9, 0.999) and the configured schedule, for a run of `steps` steps.

    Raises:
      ArbsrError: the schedule's name is unknown.
    """
    schedule = learning_rate(config, steps)
    return guarded_adam(schedule, config.backbone_lr_scale)


def guarded_adam(schedule: optax.ScalarOrSchedule, backbone_lr_scale: float = 1.0) -> optax.GradientTransformation:
    """Adam that ignores gradients that are not finite and counts them, however many; the loop gives up.

    Args:
      schedule: the learning rate, or step -> learning rate.
      backbone_lr_scale: factor on the learning rate of head, blocks and last body conv.
    """
    adam = optax.adam(schedule, b1=0.9, b2=0.999)
    if backbone_lr_scale != 1:
        slower = optax.chain(adam, optax.scale(backbone_lr_scale))
        adam = optax.partition({BACKBONE: slower, PLUG_IN: adam}, _groups)
    return optax.apply_if_finite(adam, max_consecutive_errors=np.iinfo(np.int32).max)


def _groups(parameters: Parameters) -> dict[str, object]:
    """For every parameter its group."""
    names = {name: BACKBONE if in_backbone(name) else PLUG_IN for name in parameters}
    return {name: jax.tree.map(lambda _, group=names[name]: group, part) for name, part in parameters.items()}
