"""RDN under the names that its PyTorch files use, and Meta-SR's upsampler after it.

EDSR-PyTorch's RDN, of which LIIF's encoder and Meta-RDN are made, takes colours of 0..255 as they are, yjn870's takes
0..1, and Meta-RDN takes them without DIV2K's mean, as ours does. Ours computes the same but for the zero padding of the
first conv, which means black there and the mean colour here.
"""

from __future__ import annotations

import re

import numpy as np

from arbsr_jax.convert.rules import Arrays, Rule, layer
from arbsr_jax.convert.tables import mean_shift
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.layers import RGB_MEAN
from arbsr_jax.models.upsampling import shuffle_factors

SHALLOW = "SFENet1.weight"  # what EDSR-PyTorch's RDN calls its first conv
YJN870 = "sfe1.weight"  # what only yjn870's does
META = "P2W.meta_block"  # the hypernetwork of Meta-SR
LAST = "UPNet.LAST"  # the conv to colours, whose number depends on the scale
NAMES = (
    (r"sfe([12])\.(.*)", r"SFENet\1.\2"),
    (r"rdbs\.(\d+)\.layers\.(\d+)\.(conv\..*)", r"RDBs.\1.convs.\2.\3"),
    (r"rdbs\.(\d+)\.lff\.(.*)", r"RDBs.\1.LFF.\2"),
    (r"gff\.(.*)", r"GFF.\1"),
    (r"upscale\.(.*)", r"UPNet.\1"),
    (r"output\.(.*)", LAST + r".\1"),
)


def rdn_original_names(source: Arrays) -> Arrays:
    """Arrays of yjn870's RDN under the names of EDSR-PyTorch's; all others as they are."""
    if YJN870 not in source:
        return source
    renamed = {}
    for key, array in source.items():
        pattern, replacement = next(((p, r) for p, r in NAMES if re.fullmatch(p, key)), (key, key))
        renamed[re.sub(r"(convs\.\d+\.conv)\.", r"\1.0.", re.sub(pattern, replacement, key))] = array
    return renamed


def rdn_backbone() -> list[Rule]:
    """All but what enlarges."""
    return [
        *layer("SFENet1", "head", "conv"),
        *layer("SFENet2", "shallow", "conv"),
        *layer("RDBs.{block}.convs.{layer}.conv.0", "block_{block}/conv_{layer}", "conv"),
        *layer("RDBs.{block}.LFF", "block_{block}/fuse", "conv1x1"),
        *layer("GFF.0", "fuse", "conv1x1"),
        *layer("GFF.1", "body_conv", "conv"),
    ]


def rdn_rules(config: ModelConfig) -> list[Rule]:
    """All rules of RDN at one scale, or of Meta-RDN."""
    if config.upsampler == "meta":
        upsampler = [*layer(f"{META}.0", "upsampler/hyper/fc_0", "linear")]
        upsampler += [*layer(f"{META}.2", "upsampler/hyper/kernel", "linear"), *mean_shift()]
        return [*rdn_backbone(), *upsampler]
    stages = len(shuffle_factors(config.scale))
    convs = [rule for n in range(stages) for rule in layer(f"UPNet.{2 * n}", f"upsampler/conv_{n}", "conv")]
    return [*rdn_backbone(), *convs, *layer(f"UPNet.{2 * stages}", "tail", "conv"), *layer(LAST, "tail", "conv")]


def without_mean(filled: Arrays, white: float) -> dict[str, np.ndarray]:
    """Weights that were trained on colours of 0..`white` with their mean, for ours of 0..255 without it."""
    mean, gain = RGB_MEAN.reshape(-1).astype(np.float64), 255 / white
    kernel, bias = (np.asarray(filled[f"head/{name}"], np.float64) for name in ("kernel", "bias"))
    last, offset = (np.asarray(filled[f"tail/{name}"], np.float64) for name in ("kernel", "bias"))
    changed = {
        "head/kernel": kernel / gain,
        "head/bias": bias + (kernel * mean.reshape(3, 1)).sum(axis=(0, 1, 2)) / gain,
        "tail/kernel": gain * last,
        "tail/bias": gain * offset - mean,
    }
    return {**filled, **{path: array.astype(np.float32) for path, array in changed.items()}}
