"""Adam, and how its learning rate falls."""

from __future__ import annotations

import optax
from ml_collections import ConfigDict

from arbsr_jax.errors import ArbsrError

SCHEDULES = ("halving", "cosine")


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
    """Adam with betas (0.9, 0.999) and the configured schedule, for a run of `steps` steps."""
    return optax.adam(learning_rate(config, steps), b1=0.9, b2=0.999)
