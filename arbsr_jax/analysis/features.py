"""How features depend on the scale that a network works for (Section 3.1 of the paper)."""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, UInt8

from arbsr_jax.compilation import ProgramCache
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.grid import factors
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.model_file import Model
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.network import SRNetwork


class Encoded(NamedTuple):
    """Intermediates of one image.

    Attributes:
      features: after every K blocks, each [height, width, channels].
      masks: of each masked adaption, each [height, width].
    """

    features: list[Float[np.ndarray, "height width channels"]]
    masks: list[Float[np.ndarray, "height width"]]


def encode(model: Model, lr: UInt8[np.ndarray, "height width 3"], scale: Scale) -> Encoded:
    """Features of an LR image by a network for a scale, or by a scale-specific one."""
    out = _program(model.config)({"params": model.parameters}, lr[None].astype(np.float32), factors(scale))
    return Encoded([np.asarray(x[0]) for x in out["features"]], [np.asarray(mask[0, ..., 0]) for mask in out["masks"]])


@functools.cache
def _program(config: ModelConfig) -> ProgramCache:
    """One for all scales and images of a network."""
    network = SRNetwork(config)
    return ProgramCache(jax.jit(lambda *arguments: network.apply(*arguments, method="encode")[1]))


def encode_for_scales(
    models: list[Model], lr: UInt8[np.ndarray, "height width 3"], scales: list[Scale]
) -> dict[Scale, Encoded]:
    """The same LR image by one network for all scales, or by one scale-specific network for each.

    Raises:
      ArbsrError: several networks are given and not one for each scale.
    """
    if len(models) == 1 and not models[0].config.scale:
        return {scale: encode(models[0], lr, scale) for scale in scales}
    by_scale = {Scale.of(model.config.scale): model for model in models if model.config.scale}
    missing = [str(scale) for scale in scales if scale not in by_scale]
    if missing or len(by_scale) != len(models):
        raise ArbsrError(f"give one network for all scales, or one scale-specific network for each; missing: {missing}")
    return {scale: encode(by_scale[scale], lr, scale) for scale in scales}


def discrepancy(encoded: dict[Scale, Encoded], place: int) -> Float[np.ndarray, "height width"]:
    """How much the features of one place differ between scales, at each LR pixel.

    The mean over pairs of scales and over channels of |F_s - F_t|, divided by the mean of |F| over scales, channels and
    pixels: 0 if features do not depend on the scale.
    """
    stack = np.stack([one.features[place] for one in encoded.values()])
    count = len(stack)
    pairs = [np.abs(stack[i] - stack[j]).mean(axis=-1) for i in range(count) for j in range(i)]
    return np.mean(pairs, axis=0) / np.abs(stack).mean()
