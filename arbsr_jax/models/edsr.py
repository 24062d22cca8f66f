"""The residual block of EDSR (Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution")."""

from __future__ import annotations

import flax.linen as nn
from jaxtyping import Array, Float

from arbsr_jax.models.area import WHOLE, Area
from arbsr_jax.models.layers import Conv3x3


class ResBlock(nn.Module):
    """x + res_scale * conv(relu(conv(x)))."""

    channels: int
    res_scale: float

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch height width channels"], area: Area = WHOLE
    ) -> Float[Array, "batch height width channels"]:
        """The block applied; shapes are kept."""
        branch = nn.relu(Conv3x3(self.channels, name="conv_0")(area.clear(x)))
        return x + self.res_scale * Conv3x3(self.channels, name="conv_1")(area.clear(branch))
