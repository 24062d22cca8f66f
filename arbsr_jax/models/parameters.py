"""Trees of parameters: flattened to the keys of a model file, cast, counted, sorted into groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict, unflatten_dict

from arbsr_jax.models.config import PRECISIONS

Parameters = dict[str, Any]
BLOCK = "block_"  # what the names of the backbone's blocks begin with
HYPER = "hyper"  # the name of every hypernetwork
DTYPES: dict[str, Any] = dict(zip(PRECISIONS, (jnp.float32, jnp.bfloat16), strict=True))


def flatten_parameters(parameters: Parameters) -> dict[str, Any]:
    """Leaves by their path, names joined by "/": the keys of a model file."""
    return flatten_dict(parameters, sep="/")


def unflatten_parameters(leaves: Mapping[str, Any]) -> Parameters:
    """The inverse of `flatten_parameters`."""
    return unflatten_dict(leaves, sep="/")


def count_parameters(parameters: Parameters) -> int:
    """Number of trainable values (the mean shift is a constant and not among them)."""
    return sum(leaf.size for leaf in jax.tree.leaves(parameters))


def is_backbone(name: str) -> bool:
    """Whether a part of the network belongs to its backbone: head, blocks, last body conv, and what RDN has besides."""
    return name.startswith(BLOCK) or name in ("head", "shallow", "fuse", "body_conv")


def cast_parameters(parameters: Parameters, dtype: jnp.dtype | type) -> Parameters:
    """Parameters for computing in `dtype`; hypernetworks (positions), norms and tail (grey levels) stay as they are.

    The tail computes the upsampler's 1x1 conv too.
    """

    def cast(path: tuple, leaf: Any) -> Any:
        names = {entry.key for entry in path}
        stays = names & {HYPER, "norm", "tail", "frequencies"} or {"upsampler", "mix"} <= names
        return leaf if stays else leaf.astype(dtype)

    return jax.tree_util.tree_map_with_path(cast, parameters)
