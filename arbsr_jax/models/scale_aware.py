"""Scale-aware feature adaption (Section 3.2.1 of the paper)."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from arbsr_jax.models.area import WHOLE, Area
from arbsr_jax.models.depthwise import depthwise_conv3x3
from arbsr_jax.models.experts import ExpertConv
from arbsr_jax.models.hyper import HyperNetwork
from arbsr_jax.models.layers import Conv1x1, Conv3x3, average_pool2, bilinear_up2
from arbsr_jax.models.pointwise import add_bias

MASK_WIDTH = 16


def identity_kernel3x3(key: Array, shape: tuple[int], dtype: jnp.dtype) -> Float[Array, "length"]:
    """Initial kernels, flattened from [3, 3, C], that hand the centre pixel through."""
    del key
    return jnp.zeros((9, shape[0] // 9), dtype).at[4].set(1).reshape(-1)


class ScaleAwareConv(nn.Module):
    """Depth-wise 3x3 conv whose kernels and biases follow from (r_v, r_h), then a 1x1 conv.

    The 1x1 conv starts at zero: a fresh plug-in leaves a pretrained backbone as it is.
    """

    channels: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch height width channels"], scale: Float[Array, "2"]
    ) -> Float[Array, "batch height width channels"]:
        """F_adapt of features for a scale (r_v, r_h); shapes are kept."""
        heads = {"kernel": (9 * self.channels, identity_kernel3x3), "bias": (self.channels, nn.initializers.zeros)}
        parameters = HyperNetwork(heads, name="hyper")(scale)
        kernel = parameters["kernel"].reshape(3, 3, self.channels).astype(x.dtype)
        x = add_bias(depthwise_conv3x3(x, kernel), parameters["bias"].astype(x.dtype))
        return Conv1x1(self.channels, kernel_init=nn.initializers.zeros, name="mix")(x)


class Mask(nn.Module):
    """One-channel map in 0..1 of where features depend on the scale: a small hourglass; any image size works."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch height width channels"], area: Area = WHOLE
    ) -> Float[Array, "batch height width 1"]:
        """M of Eq. 3."""
        size, half = x.shape[1:3], area.halved()
        x = nn.relu(Conv3x3(MASK_WIDTH, name="conv_0")(area.clear(x)))
        x = average_pool2(area.extend(x))
        x = nn.relu(Conv3x3(MASK_WIDTH, name="conv_1")(half.clear(x)))
        x = nn.relu(Conv3x3(MASK_WIDTH, name="conv_2")(half.clear(x)))
        x = bilinear_up2(half.extend(x), size)
        return nn.sigmoid(Conv3x3(1, name="conv_3")(area.clear(x)))


class FeatureAdaption(nn.Module):
    """F_fuse = F + F_adapt * M (Eq. 3), or without M (Table 1, row 3).

    Attributes:
      channels: C.
      kind: "masked", "plain" (without M), or "experts" (masked; the conv is a mix of experts).
    """

    channels: int
    kind: str

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch height width channels"], scale: Float[Array, "2"], area: Area = WHOLE
    ) -> tuple[Float[Array, "batch height width channels"], Float[Array, "batch height width 1"] | None]:
        """Fused features and the mask (None where there is none) for a scale (r_v, r_h)."""
        conv = ExpertConv if self.kind == "experts" else ScaleAwareConv
        adapted = conv(self.channels, name="conv")(area.clear(x), scale)
        if self.kind == "plain":
            return x + adapted, None
        mask = Mask(name="mask")(x, area)
        return x + adapted * mask, mask
