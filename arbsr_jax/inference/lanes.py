"""Local devices that work on pieces of images side by side: lanes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

AXIS_OF_LANES = "lanes"


def most_lanes() -> int:
    """Local devices that can work on pieces of images side by side."""
    return jax.local_device_count()


def over_lanes(function: Callable[[PyTree, PyTree], PyTree], lanes: int) -> Any:
    """`function(shared, split)`, each lane on a device of its own: arrays of `split` and the result are [lanes, ...].

    No device needs another; what a lane computes does not depend on their number.
    """

    def of_one(shared: PyTree, split: PyTree) -> PyTree:
        result = function(shared, jax.tree.map(lambda leaf: leaf[0], split))
        return jax.tree.map(lambda leaf: leaf[None], result)

    of_one.__name__ = function.__name__
    if lanes == 1:
        return jax.jit(of_one)
    specs = (PartitionSpec(), PartitionSpec(AXIS_OF_LANES))
    return jax.jit(jax.shard_map(of_one, mesh=_lanes(lanes), in_specs=specs, out_specs=specs[1], check_vma=False))


def to_lanes(tree: PyTree, lanes: int) -> PyTree:
    """The same arrays on the devices of all lanes."""
    return jax.device_put(tree, None if lanes == 1 else NamedSharding(_lanes(lanes), PartitionSpec()))


def split_to_lanes(tree: PyTree, lanes: int) -> PyTree:
    """Arrays [lanes, ...], each part on its device."""
    return jax.device_put(tree, None if lanes == 1 else NamedSharding(_lanes(lanes), PartitionSpec(AXIS_OF_LANES)))


def _lanes(count: int) -> Mesh:
    return Mesh(np.array(jax.local_devices()[:count]), (AXIS_OF_LANES,))
