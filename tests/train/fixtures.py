"""A step of the small network, its batches, and everything that goes with them."""

import functools
from functools import partial

import numpy as np

from arbsr_jax import parallel
from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.config import ModelConfig, scale_specific
from arbsr_jax.models.network import initialize
from arbsr_jax.train.norms import STATISTICS, add_norms, training_network
from arbsr_jax.train.optimizer import adam
from arbsr_jax.train.state import init_state
from arbsr_jax.train.step import Constants, make_step
from tests.models.fixtures import compile_soon, randomized

STUDENT = ModelConfig("edsr", blocks=1, channels=4, interval=1)
PATCH, CANVAS = 12, 24
OPTIMIZER, RATES = adam(), np.full(1, 1e-3, np.float32)
TEACHER = scale_specific(STUDENT, 2)


def fresh(seed=0, optimizer=OPTIMIZER, averaged=False):
    return init_state(add_norms(initialize(STUDENT, seed)), optimizer, averaged)


def forward(state, lr, grid):
    """What the student in training makes of a batch on one device, and its intermediates."""
    apply = partial(training_network(STUDENT, normalized=True).apply, mutable=[STATISTICS])
    network = compile_soon(apply)
    variables = {"params": state.parameters, STATISTICS: state.statistics}
    result, _ = network(variables, lr.astype(np.float32), grid)
    return result


@functools.cache
def program(optimizer=OPTIMIZER, **settings):
    return parallel.DataParallel(make_step(STUDENT, optimizer, **settings), optimized=False)


def constants(scale="2", teacher=None, patch=PATCH, canvas=CANVAS):
    scale = Scale.of(scale)
    return Constants(make_grid(scale, scale.output_size(patch, patch), (canvas, canvas)), RATES, teacher)


def teacher_parameters():
    return randomized(TEACHER, seed=2)


def batch(step=0, size=8, patch=PATCH, canvas=CANVAS):
    """Random pairs; as good as any where only arithmetic is compared."""
    rng = np.random.default_rng(step)
    lr = rng.integers(0, 256, (size, patch, patch, 3), np.uint8)
    return lr, rng.integers(0, 256, (size, canvas, canvas, 3), np.uint8)


def run(step, state, steps, these, start=0):
    """`steps` steps from step number `start` on; the state and every loss."""
    losses = []
    for number in range(start, start + steps):
        state, metrics = step(state, parallel.shard(batch(number)), these)
        losses.append(float(metrics["loss"]))
    return state, losses
