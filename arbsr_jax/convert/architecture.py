"""Which network a PyTorch state dict belongs to, and that network with its weights."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import numpy as np

from arbsr_jax.convert import ARCHITECTURES
from arbsr_jax.convert.liif_rules import ENCODER, in_our_range, liif_rules, parted
from arbsr_jax.convert.rdn_rules import META, SHALLOW, YJN870, rdn_original_names, rdn_rules, without_mean
from arbsr_jax.convert.rules import Arrays, apply_rules, reverse_rules
from arbsr_jax.convert.tables import MASK, MASK_CONVS, arbrcan_rules, fold_batch_norm, scale_specific_rules
from arbsr_jax.errors import ArbsrError
from arbsr_jax.models.config import (
    ARBRCAN_ICCV,
    EDSR,
    EDSR_BASELINE,
    RCAN,
    RDN,
    ModelConfig,
    implicit,
    meta,
    scale_specific,
)
from arbsr_jax.models.network import parameter_shapes
from arbsr_jax.models.parameters import Parameters, flatten_parameters, unflatten_parameters

WHITE = 255.0
ATTENTION = "body.0.body.0.body.3.conv_du.0.weight"


def infer_architecture(source: Arrays) -> str:
    """One of ARCHITECTURES, from the keys.

    Raises:
      ArbsrError: the keys are of none of them.
    """
    if f"{ENCODER}head.0.weight" in source or f"{ENCODER}{SHALLOW}" in source:
        return "liif"
    if SHALLOW in source or YJN870 in source:
        return "meta-rdn" if f"{META}.0.weight" in source else "rdn"
    if "head.0.weight" in source and "body.0.body.0.weight" in source:
        return "edsr"
    if "head.0.weight" in source and ATTENTION in source:
        return "arbrcan" if any(key.startswith("sa_") for key in source) else "rcan"
    first = ", ".join(list(source)[:3])
    raise ArbsrError(f"its keys ({first} ...) are of none of {', '.join(ARCHITECTURES)}; name the right one by --arch")


def infer_config(source: Arrays, architecture: str, scale: int | None, res_scale: float | None) -> ModelConfig:
    """The network that the shapes describe.

    Args:
      source: arrays by their keys.
      architecture: one of ARCHITECTURES.
      scale: of a scale-specific network; None: by its upsampler.
      res_scale: of EDSR, which no file holds; None: 0.1 with 256 channels, else 1.

    Raises:
      ArbsrError: a key that must be there is not, or the scale is no possible one.
    """
    prefix = ENCODER if architecture == "liif" else ""
    if f"{prefix}{SHALLOW}" in source or YJN870 in source:
        return _rdn_config(rdn_original_names(source), architecture, scale, prefix)
    channels = _shape(source, f"{prefix}head.0.weight")[0]
    if architecture in ("rcan", "arbrcan"):
        squeezed = _shape(source, ATTENTION)[0]
        sizes = {
            "blocks": _count(source, r"body\.(\d+)\.body\.0\.body\.0\.weight"),
            "group_blocks": _count(source, r"body\.0\.body\.(\d+)\.body\.0\.weight"),
            "reduction": channels // squeezed,
        }
        if architecture == "arbrcan":
            return dataclasses.replace(ARBRCAN_ICCV, channels=channels, **sizes)
        return scale_specific(dataclasses.replace(RCAN, channels=channels, **sizes), scale or _scale(source, channels))
    if res_scale is None:
        res_scale = EDSR.res_scale if channels == EDSR.channels else EDSR_BASELINE.res_scale
    blocks = _count(source, re.escape(prefix) + r"body\.(\d+)\.body\.0\.weight")
    config = dataclasses.replace(EDSR, channels=channels, blocks=blocks, res_scale=res_scale)
    return implicit(config) if prefix else scale_specific(config, scale or _scale(source, channels))


def from_torch(source: Arrays, architecture: str, config: ModelConfig) -> Parameters:
    """The parameters of `config`.

    Raises:
      ArbsrError: keys, shapes or values do not fit; all that is wrong in one line.
    """
    shapes = {path: leaf.shape for path, leaf in flatten_parameters(parameter_shapes(config)).items()}
    if architecture in ("rdn", "meta-rdn"):
        filled = apply_rules(rdn_rules(config), rdn_original_names(source), shapes)
        white = 1.0 if YJN870 in source else WHITE
        return unflatten_parameters(filled if architecture == "meta-rdn" else without_mean(filled, white))
    if architecture == "liif":
        return unflatten_parameters(in_our_range(apply_rules(liif_rules(config), parted(source, config), shapes)))
    if architecture != "arbrcan":
        return unflatten_parameters(apply_rules(scale_specific_rules(config), source, shapes))
    for mask in (MASK.format(place=place) for place in range(config.adaptions)):
        for conv in MASK_CONVS:
            source = fold_batch_norm(source, f"{mask}{conv}", f"{mask}{conv + 1}")
    return unflatten_parameters(apply_rules(arbrcan_rules(config), source, shapes))


def to_torch(parameters: Parameters, config: ModelConfig) -> dict[str, np.ndarray]:
    """The state dict that EDSR-PyTorch or RCAN reads.

    Raises:
      ArbsrError: the network is not scale-specific, so has no counterpart there.
    """
    if not config.scale or config.backbone not in ("edsr", "rcan"):
        raise ArbsrError("only scale-specific networks (EDSR, RCAN at one scale) have a PyTorch counterpart")
    return reverse_rules(scale_specific_rules(config), flatten_parameters(parameters))


def _rdn_config(source: Arrays, architecture: str, scale: int | None, prefix: str) -> ModelConfig:
    """The sizes of RDN, of files with the names of EDSR-PyTorch's."""
    growth, channels = _shape(source, f"{prefix}RDBs.0.convs.0.conv.0.weight")[:2]
    blocks, layers = re.escape(prefix) + r"RDBs\.(\d+)\.LFF\.weight", r"RDBs\.0\.convs\.(\d+)\.conv\.0\.weight"
    sizes = {"blocks": _count(source, blocks), "dense_layers": _count(source, re.escape(prefix) + layers)}
    config = dataclasses.replace(RDN, channels=channels, growth=growth, **sizes)
    if architecture == "meta-rdn":
        return meta(config)
    return implicit(config) if prefix else scale_specific(config, scale or _scale(source, channels))


def _shape(source: Arrays, key: str) -> tuple[int, ...]:
    if key not in source:
        raise ArbsrError(f"missing: {key}; is this another architecture? name the right one by --arch")
    return source[key].shape


def _count(source: Arrays, pattern: str) -> int:
    """One more than the largest number at the pattern's group."""
    match: Callable[[str], re.Match | None] = re.compile(pattern).fullmatch
    return max((int(found[1]) for found in map(match, source) if found), default=-1) + 1


def _scale(source: Arrays, channels: int) -> int:
    pattern = r"(tail\.0|UPNet)\.\d\.weight"
    widths = [array.shape[0] // channels for key, array in source.items() if re.fullmatch(pattern, key)]
    widths = [width for width in widths if width]  # UPNet's last conv is to colours
    if widths == [9]:
        return 3
    if widths and set(widths) == {4}:
        return 2 ** len(widths)
    raise ArbsrError("tail.0.*.weight or UPNet.*.weight do not tell the scale; give it by --scale")
