"""A network small enough to compile in a second."""

import jax
import numpy as np

from arbsr_jax.compilation import ProgramCache
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.network import parameter_shapes
from arbsr_jax.models.parameters import Parameters

SMALL = ModelConfig("edsr", blocks=2, channels=8, interval=1)


def randomized(config: ModelConfig, seed: int = 1) -> Parameters:
    """Parameters that are nowhere zero or one, as after training."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: rng.normal(0, 0.1, leaf.shape).astype(np.float32), parameter_shapes(config))


def compile_soon(function) -> ProgramCache:
    """A function of arrays, compiled soon: it is called once or twice, with small arrays."""
    return ProgramCache(jax.jit(function), optimized=False)
