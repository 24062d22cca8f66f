"""The residual group of RCAN (Zhang et al., "... Very Deep Residual Channel Attention Networks", ECCV 2018)."""

from __future__ import annotations

import flax.linen as nn
from jaxtyping import Array, Float

from arbsr_jax.models.area import WHOLE, Area
from arbsr_jax.models.layers import Conv1x1, Conv3x3


class ChannelAttention(nn.Module):
    """Channels weighted by a sigmoid of their global averages."""

    channels: int
    reduction: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch height width channels"], area: Area = WHOLE
    ) -> Float[Array, "batch height width channels"]:
        """The attention applied; shapes are kept."""
        statistics = area.mean(x)
        squeezed = nn.relu(Conv1x1(max(1, self.channels // self.reduction), name="squeeze")(statistics))
        return x * nn.sigmoid(Conv1x1(self.channels, name="excite")(squeezed))


class ResidualChannelAttentionBlock(nn.Module):
    """x + attention(conv(relu(conv(x)))): RCAB."""

    channels: int
    reduction: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch height width channels"], area: Area = WHOLE
    ) -> Float[Array, "batch height width channels"]:
        """The block applied; shapes are kept."""
        branch = nn.relu(Conv3x3(self.channels, plain=True, name="conv_0")(area.clear(x)))
        branch = Conv3x3(self.channels, plain=True, name="conv_1")(area.clear(branch))
        return x + ChannelAttention(self.channels, self.reduction, name="attention")(branch, area)


class ResidualGroup(nn.Module):
    """x + conv(RCABs(x))."""

    channels: int
    blocks: int
    reduction: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch height width channels"], area: Area = WHOLE
    ) -> Float[Array, "batch height width channels"]:
        """The group applied; shapes are kept."""
        branch = x
        for index in range(self.blocks):
            branch = ResidualChannelAttentionBlock(self.channels, self.reduction, name=f"block_{index}")(branch, area)
        return x + Conv3x3(self.channels, plain=True, name="conv")(area.clear(branch))
