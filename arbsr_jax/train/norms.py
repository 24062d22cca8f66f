"""The batch norms of masks: part of the network in training, folded into the convs of a model file.

A model's parameters have one form, that of model files: `Conv3x3` with kernel and bias. In training, the masks' convs
are `NormalizedConv3x3`. Both compute the same for a batch whose statistics the norm has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from arbsr_jax.compilation import ProgramCache
from arbsr_jax.data.sources import Load
from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.kernels.conv3x3 import DEFAULTS, ConvOptions
from arbsr_jax.models.adaption import NORM_EPSILON, SATURATED, NormalizedConv3x3, norm_as_affine
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.layers import Conv3x3
from arbsr_jax.models.network import SRNetwork
from arbsr_jax.models.parameters import Parameters, flatten_parameters, unflatten_parameters

NORM = "/norm/"
STATISTICS = "batch_stats"  # as flax calls the collection
MASK = "/mask/"
START = 0.5  # the mean of a fresh mask
MOST_SATURATED = 0.2  # share of a mask's values; with more the mask starts fresh
CALIBRATION_SCALE = Scale.of("2.5")


def training_network(
    model: ModelConfig,
    normalized: bool,
    dtype: jnp.dtype | type = jnp.float32,
    options: ConvOptions = DEFAULTS,
    axis: str | None = None,
) -> SRNetwork:
    """The network as it trains; `normalized`: with batch norms in its masks, over all devices of an axis."""
    return SRNetwork(model, dtype, options, partial(NormalizedConv3x3, axis=axis) if normalized else Conv3x3)


def fresh_statistics(parameters: Parameters) -> Parameters:
    """Mean 0 and variance 1 for every norm among the parameters; empty if there is none."""
    leaves = {}
    for path, leaf in flatten_parameters(parameters).items():
        layer, norm, part = path.rpartition(NORM)
        if norm and part == "scale":
            leaves |= {f"{layer}/norm/mean": jnp.zeros_like(leaf), f"{layer}/norm/var": jnp.ones_like(leaf)}
    return unflatten_parameters(leaves)


def fold_norms(parameters: Parameters, statistics: Parameters) -> Parameters:
    """Parameters as model files have them: every norm becomes part of its conv's kernel and bias."""
    leaves, statistic = flatten_parameters(parameters), flatten_parameters(statistics)
    for layer in [path.removesuffix("/norm/scale") for path in leaves if path.endswith("/norm/scale")]:
        scale, shift = (np.asarray(leaves.pop(f"{layer}/norm/{part}"), np.float64) for part in ("scale", "bias"))
        mean, variance = (np.asarray(statistic[f"{layer}/norm/{part}"], np.float64) for part in ("mean", "var"))
        factor, offset = norm_as_affine(scale, shift, mean, variance)
        leaves[f"{layer}/kernel"] = np.asarray(leaves[f"{layer}/kernel"] * factor, np.float32)
        leaves[f"{layer}/bias"] = np.asarray(offset, np.float32)
    return unflatten_parameters(leaves)


def add_norms(parameters: Parameters) -> Parameters:
    """The opposite form, with fresh norms: scale 1 and bias 0."""
    leaves = {}
    for path, leaf in flatten_parameters(parameters).items():
        layer, _, part = path.rpartition("/")
        if MASK in path and part == "bias":
            leaves |= {f"{layer}/norm/scale": np.ones_like(leaf), f"{layer}/norm/bias": np.zeros_like(leaf)}
        else:
            leaves[path] = leaf
    return unflatten_parameters(leaves)


def unfold_batch_norm(
    model: ModelConfig, parameters: Parameters, images: UInt8[np.ndarray, "batch height width 3"]
) -> tuple[Parameters, list[int]]:
    """Trained parameters with norms put in. On some images the network computes the same; training can go on.

    A mask that is saturated on them is reset, with fresh norms. Its scale-aware conv is weighted by the mask's mean, so
    that F_adapt * M (Eq. 3) keeps its size.

    Args:
      model: the network.
      parameters: as in a model file.
      images: to take the statistics from, as LR images.

    Returns:
      The parameters with norms, and the places whose masks start fresh, counted from 1.
    """
    leaves, fresh, reset = flatten_parameters(parameters), flatten_parameters(add_norms(parameters)), []
    outputs = _mask_outputs(model, parameters, images)
    for place in range(model.adaptions):
        mask = f"adaption_{place}{MASK}"
        logits = outputs[f"{mask}conv_3"]
        values = 1 / (1 + np.exp(-logits.astype(np.float64)))
        if np.mean((values < SATURATED) | (values > 1 - SATURATED)) > MOST_SATURATED:
            reset.append(place + 1)
            fresh |= scale_adaption(leaves, place, values.mean() / START)
            continue
        for layer, output in outputs.items():
            if layer.startswith(mask):
                fresh[f"{layer}/norm/scale"] = np.sqrt(output.var((0, 1, 2)) + NORM_EPSILON)
                fresh[f"{layer}/norm/bias"] = output.mean((0, 1, 2))
    return unflatten_parameters(fresh), reset


def scale_adaption(leaves: Mapping[str, Any], place: int, weight: float) -> dict[str, Any]:
    """The leaves of one place's scale-aware conv, times a weight: F_adapt is linear in them (Eq. 3)."""
    conv = f"adaption_{place}/conv/mix/"
    return {path: leaf * np.float32(weight) for path, leaf in leaves.items() if path.startswith(conv)}


def _mask_outputs(model: ModelConfig, parameters: Parameters, images: np.ndarray) -> dict[str, np.ndarray]:
    """What every conv of every mask makes of some images, by the conv's path."""
    network = SRNetwork(model)
    grid = make_grid(CALIBRATION_SCALE, CALIBRATION_SCALE.output_size(*images.shape[1:3]))

    def run(parameters: Parameters, images: Any, scale: Any) -> Mapping[str, Any]:
        _, state = network.apply(
            {"params": parameters},
            images,
            scale,
            method="encode",
            capture_intermediates=lambda module, _: isinstance(module, Conv3x3),
            mutable=["intermediates"],
        )
        return state["intermediates"]

    found = flatten_parameters(dict(ProgramCache(jax.jit(run))(parameters, images.astype(np.float32), grid.scale)))
    return {path.removesuffix("/__call__"): np.asarray(made[0]) for path, made in found.items() if MASK in path}


def example_images(photographs: Sequence[Load], most: int, side: int = 96) -> UInt8[np.ndarray, "batch side side 3"]:
    """The middles of at most so many photographs, spread evenly over all, as a batch; small ones are mirrored."""
    middles = []
    for load in photographs[:: -(-len(photographs) // most)]:
        photograph = load()
        missing = [(0, max(0, side - length)) for length in photograph.shape[:2]]
        photograph = np.pad(photograph, [*missing, (0, 0)], mode="symmetric")
        top, left = ((length - side) // 2 for length in photograph.shape[:2])
        middles.append(photograph[top : top + side, left : left + side])
    return np.stack(middles)
