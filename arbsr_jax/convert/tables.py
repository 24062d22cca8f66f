"""Where the weights of published PyTorch networks go in ours."""

from __future__ import annotations

import numpy as np

from arbsr_jax.convert.rules import Arrays, Rule, layer
from arbsr_jax.errors import ArbsrError
from arbsr_jax.models.adaption import norm_as_affine
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.layers import RGB_MEAN
from arbsr_jax.models.upsampling import shuffle_factors

MASK = "sa_adapt.{place}.mask."
MASK_CONVS = (0, 4, 7, 11)  # each followed by a batch norm at the next number
NORM_PARTS = ("weight", "bias", "running_mean", "running_var")
COUNTER = "num_batches_tracked"  # of no use after training


def mean_shift() -> list[Rule]:
    """Subtracting and adding the mean colour: constants of ours, 1x1 convs there."""
    identity, mean = np.eye(3, dtype=np.float32)[:, :, None, None], RGB_MEAN.reshape(3)
    rules = []
    for name, sign in (("sub_mean", -1), ("add_mean", 1)):
        rules += [Rule(f"{name}.weight", None, value=identity), Rule(f"{name}.bias", None, value=sign * mean)]
    return rules


def edsr_backbone(config: ModelConfig) -> list[Rule]:
    """EDSR-PyTorch: head, blocks and last body conv."""
    return [
        *layer("head.0", "head", "conv"),
        *layer("body.{block}.body.0", "block_{block}/conv_0", "conv"),
        *layer("body.{block}.body.2", "block_{block}/conv_1", "conv"),
        *layer(f"body.{config.blocks}", "body_conv", "conv"),
    ]


def rcan_backbone(config: ModelConfig) -> list[Rule]:
    """RCAN: head, residual groups of RCABs with channel attention, and last body conv."""
    block, ours = "body.{group}.body.{block}.body", "block_{group}/block_{block}"
    return [
        *layer("head.0", "head", "conv"),
        *layer(f"{block}.0", f"{ours}/conv_0", "conv"),
        *layer(f"{block}.2", f"{ours}/conv_1", "conv"),
        *layer(f"{block}.3.conv_du.0", f"{ours}/attention/squeeze", "conv1x1"),
        *layer(f"{block}.3.conv_du.2", f"{ours}/attention/excite", "conv1x1"),
        *layer(f"body.{{group}}.body.{config.group_blocks}", "block_{group}/conv", "conv"),
        *layer(f"body.{config.blocks}", "body_conv", "conv"),
    ]


def pixel_shuffle_tail(config: ModelConfig) -> list[Rule]:
    """Upsampler (conv and pixel shuffle, every other entry of `tail.0`) and last conv."""
    stages = len(shuffle_factors(config.scale))
    rules = [rule for n in range(stages) for rule in layer(f"tail.0.{2 * n}", f"upsampler/conv_{n}", "conv")]
    return [*rules, *layer("tail.1", "tail", "conv")]


def scale_specific_rules(config: ModelConfig) -> list[Rule]:
    """All rules of EDSR or RCAN at one scale."""
    backbone = edsr_backbone if config.backbone == "edsr" else rcan_backbone
    return [*mean_shift(), *backbone(config), *pixel_shuffle_tail(config)]


def arbrcan_rules(config: ModelConfig) -> list[Rule]:
    """ArbRCAN of the later version, batch norms folded; what follows RCAN's body is its own."""
    adapt, ours = "sa_adapt.{place}.adapt", "adaption_{place}/conv"
    upsampler, heads = "sa_upsample", "upsampler/hyper"
    masks = [layer(f"{MASK}{conv}", f"adaption_{{place}}/mask/conv_{n}", "conv") for n, conv in enumerate(MASK_CONVS)]
    return [
        *mean_shift(),
        *rcan_backbone(config),
        *(rule for mask in masks for rule in mask),
        *layer(f"{adapt}.routing.0", f"{ours}/hyper/fc_0", "linear"),
        *layer(f"{adapt}.routing.2", f"{ours}/hyper/routing", "linear"),
        Rule(f"{adapt}.weight_pool", f"{ours}/experts", "convs"),
        Rule(f"{upsampler}.weight_compress", "upsampler/compress", "convs1x1"),
        Rule(f"{upsampler}.weight_expand", "upsampler/expand", "convs1x1"),
        *layer(f"{upsampler}.body.0", f"{heads}/fc_0", "conv1x1"),
        *layer(f"{upsampler}.body.2", f"{heads}/fc_1", "conv1x1"),
        *layer(f"{upsampler}.routing.0", f"{heads}/routing", "conv1x1"),
        Rule(f"{upsampler}.offset.weight", f"{heads}/offset/kernel", "swapped conv1x1"),
        Rule(f"{upsampler}.offset.bias", f"{heads}/offset/bias", "swapped"),
        *layer("tail.1", "tail", "conv"),
    ]


def fold_batch_norm(source: Arrays, conv: str, norm: str) -> dict[str, np.ndarray]:
    """Weights that compute norm(conv(x)) by the conv alone; exact also at a zero-padded rim.

    Args:
      source: arrays by their keys.
      conv: the beginning of the conv's keys; it must have a bias.
      norm: the beginning of the batch norm's keys.

    Raises:
      ArbsrError: a key of either is missing, or of another shape.
    """
    keys = [f"{conv}.weight", f"{conv}.bias", *(f"{norm}.{part}" for part in NORM_PARTS)]
    missing = [key for key in keys if key not in source]
    if missing:
        raise ArbsrError(f"missing: {', '.join(missing)}")
    weight, bias, gain, shift, mean, variance = (source[key].astype(np.float64) for key in keys)
    for key in keys[1:]:
        if source[key].shape != weight.shape[:1]:
            raise ArbsrError(f"wrong shapes: {key} {list(source[key].shape)} instead of {list(weight.shape[:1])}")
    factor, offset = norm_as_affine(gain, shift, mean - bias, variance)
    others = {key: array for key, array in source.items() if key not in {*keys, f"{norm}.{COUNTER}"}}
    folded = {keys[0]: weight * factor.reshape(-1, 1, 1, 1), keys[1]: offset}
    return {**others, **{key: array.astype(np.float32) for key, array in folded.items()}}
