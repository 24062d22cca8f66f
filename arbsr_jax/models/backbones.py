"""The blocks of EDSR, RCAN and RDN.

EDSR: Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution", CVPRW 2017.
RCAN: Zhang et al., "Image Super-Resolution Using Very Deep Residual Channel Attention Networks", ECCV 2018.
RDN: Zhang et al., "Residual Dense Network for Image Super-Resolution", CVPR 2018.
"""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from arbsr_jax.kernels.conv3x3 import DEFAULTS, XLA, ConvOptions
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.extent import WHOLE, Extent
from arbsr_jax.models.layers import Conv1x1, Conv3x3
from arbsr_jax.typing import Features


class ResBlock(nn.Module):
    """EDSR's block: x + res_scale * conv(relu(conv(x)))."""

    channels: int
    res_scale: float
    options: ConvOptions = DEFAULTS

    @nn.compact
    def __call__(self, x: Features, extent: Extent = WHOLE) -> Features:
        """The block applied; shapes are kept."""
        branch = nn.relu(Conv3x3(self.channels, self.options, name="conv_0")(x, extent))
        return x + self.res_scale * Conv3x3(self.channels, self.options, name="conv_1")(branch, extent)


class ChannelAttention(nn.Module):
    """Channels weighted by a sigmoid of their global averages."""

    channels: int
    reduction: int

    @nn.compact
    def __call__(self, x: Features, extent: Extent = WHOLE) -> Features:
        """The attention applied; shapes are kept."""
        squeezed = nn.relu(Conv1x1(max(1, self.channels // self.reduction), name="squeeze")(extent.mean(x)))
        return x * nn.sigmoid(Conv1x1(self.channels, name="excite")(squeezed))


class ResidualChannelAttentionBlock(nn.Module):
    """RCAN's block, RCAB: x + attention(conv(relu(conv(x))))."""

    channels: int
    reduction: int
    options: ConvOptions = DEFAULTS

    @nn.compact
    def __call__(self, x: Features, extent: Extent = WHOLE) -> Features:
        """The block applied; shapes are kept."""
        branch = nn.relu(Conv3x3(self.channels, self.options, name="conv_0")(x, extent))
        branch = Conv3x3(self.channels, self.options, name="conv_1")(branch, extent)
        return x + ChannelAttention(self.channels, self.reduction, name="attention")(branch, extent)


class ResidualGroup(nn.Module):
    """RCAN's group: x + conv(RCABs(x)).

    The blocks are one loop for XLA: 200 of them one after the other take several times as long to compile.
    """

    channels: int
    blocks: int
    reduction: int
    options: ConvOptions = DEFAULTS

    @nn.compact
    def __call__(self, x: Features, extent: Extent = WHOLE) -> Features:
        """The group applied; shapes are kept."""
        settings, names = (self.channels, self.reduction, self.options), [f"block_{n}" for n in range(self.blocks)]
        branch = x
        if self.is_initializing():
            for name in names:
                branch = ResidualChannelAttentionBlock(*settings, name=name)(branch, extent)
        else:
            block = ResidualChannelAttentionBlock(*settings, parent=None)
            parameters = [self.variables["params"][name] for name in names]
            stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *parameters)

            def with_block(x: Any, of_one: Any) -> tuple[Any, None]:
                return block.apply({"params": of_one}, x, extent), None

            branch, _ = jax.lax.scan(with_block, x, stacked)
        return x + Conv3x3(self.channels, self.options, name="conv")(branch, extent)


class ResidualDenseBlock(nn.Module):
    """RDN's block: every conv sees the results of all before it; a 1x1 conv fuses them, and x is added."""

    channels: int
    layers: int
    growth: int
    options: ConvOptions = DEFAULTS

    @nn.compact
    def __call__(self, x: Features, extent: Extent = WHOLE) -> Features:
        """The block applied; shapes are kept."""
        seen = x
        for index in range(self.layers):
            new = nn.relu(Conv3x3(self.growth, self.options, name=f"conv_{index}")(seen, extent))
            seen = jnp.concatenate([seen, new], axis=-1)
        return x + Conv1x1(self.channels, name="fuse")(seen)


def backbone_block(config: ModelConfig, options: ConvOptions) -> ResBlock | ResidualGroup | ResidualDenseBlock:
    """One of the `config.blocks` blocks of a backbone."""
    if config.backbone == "rdn":
        return ResidualDenseBlock(config.channels, config.dense_layers, config.growth, options)
    if config.backbone == "edsr":
        return ResBlock(config.channels, config.res_scale, options)
    # Hundreds of convs follow each other here: compiling faster ones takes minutes, and their rounding adds up.
    options = options._replace(implementation=XLA)
    return ResidualGroup(config.channels, config.group_blocks, config.reduction, options)
