"""The one place that says pmap: how a step runs on all devices, and how batches reach them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree

from arbsr_jax.errors import ArbsrError

AXIS = "devices"


def data_parallel(step: Callable[..., Any]) -> Callable[..., Any]:
    """Run `step(state, batch, grid) -> (state, metrics)` on every device, the batch split among them.

    State and grid are the same everywhere and carry no device axis; inside the step, average over devices with
    `mean_over_devices`. The state's buffers are donated.
    """
    return jax.pmap(step, axis_name=AXIS, in_axes=(None, 0, None), out_axes=None, donate_argnums=(0,))


def mean_over_devices(tree: PyTree) -> PyTree:
    """The average over all devices of all processes; only inside a `data_parallel` step."""
    return jax.lax.pmean(tree, AXIS)


def sum_over_devices(tree: PyTree) -> PyTree:
    """The sum over all devices of all processes; only inside a `data_parallel` step."""
    return jax.lax.psum(tree, AXIS)


def shard(tree: PyTree) -> PyTree:
    """Arrays [batch, ...] of this process as [devices, batch / devices, ...].

    Raises:
      ArbsrError: the batch does not divide among the local devices.
    """
    devices = jax.local_device_count()

    def split(x: np.ndarray) -> np.ndarray:
        if x.shape[0] % devices:
            raise ArbsrError(f"a batch of {x.shape[0]} does not divide among {devices} devices; use a multiple")
        return x.reshape(devices, x.shape[0] // devices, *x.shape[1:])

    return jax.tree.map(split, tree)
