"""Defaults that every config starts from: the paper's recipe (Section 4.1)."""

from __future__ import annotations

import dataclasses

from ml_collections import ConfigDict

from arbsr_jax.models.config import ModelConfig

EPOCH = 1000  # iterations


def recipe(model: ModelConfig) -> ConfigDict:
    """The paper's training of a model: 70 epochs, Adam at 1e-4 halved every 15 epochs."""
    config = ConfigDict()
    config.model = ConfigDict(dataclasses.asdict(model))
    config.seed = 0
    config.steps = 70 * EPOCH
    config.log_every = 100
    config.checkpoint_every = EPOCH

    config.data = ConfigDict()
    config.data.patch = 50  # LR pixels
    config.data.batch = 16  # pairs per step, over all devices
    config.data.asymmetric = False
    config.data.integer_steps = EPOCH  # x2, x3 and x4 alone in the first epoch

    config.optimizer = ConfigDict()
    config.optimizer.learning_rate = 1e-4
    config.optimizer.schedule = "halving"
    config.optimizer.halve_every = 15 * EPOCH
    config.optimizer.warmup = 100  # steps, for the cosine schedule
    return config


def debug(config: ConfigDict) -> ConfigDict:
    """Any config, shrunk until it runs in seconds."""
    config.model.update(blocks=2, channels=8, group_blocks=1, reduction=4, interval=1)
    config.steps, config.log_every, config.checkpoint_every = 4, 2, 2
    config.data.update(patch=20, batch=8, integer_steps=2)
    return config
