"""Scale-aware feature adaption (Section 3.2.1 of the paper)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64

from arbsr_jax.kernels.conv3x3 import DEFAULTS, ConvOptions, conv3x3
from arbsr_jax.kernels.depthwise import depthwise_conv3x3
from arbsr_jax.kernels.pointwise import add_bias
from arbsr_jax.models.experts import ExpertConv
from arbsr_jax.models.extent import WHOLE, Extent
from arbsr_jax.models.hyper import HyperNetwork, encode_scale
from arbsr_jax.models.layers import Conv1x1, Conv3x3, average_pool2, bilinear_up2, uniform_fan_in
from arbsr_jax.typing import Features

MASK_WIDTH = 16
SATURATED = 0.01  # distance from 0 or 1 below which a mask's gradient is about 0
NORM_MOMENTUM, NORM_EPSILON = 0.9, 1e-5  # PyTorch's defaults


def identity_kernel3x3(key: Array, shape: tuple[int, ...], dtype: jnp.dtype | type) -> Float[Array, "length"]:
    """Initial kernels, flattened from [3, 3, C], that hand the centre pixel through."""
    del key
    return jnp.zeros((9, shape[0] // 9), dtype).at[4].set(1).reshape(-1)


class DepthwiseConv3x3(nn.Module):
    """Depth-wise 3x3 conv with zero padding 1, of kernels and biases that its caller computed."""

    @nn.compact
    def __call__(
        self,
        x: Features,
        kernel: Float[Array, "3 3 channels"],
        bias: Float[Array, "channels"],
        extent: Extent = WHOLE,
    ) -> Features:
        """The conv of x; shapes are kept."""
        return add_bias(depthwise_conv3x3(extent.zero_outside(x), kernel.astype(x.dtype)), bias.astype(x.dtype))


class ScaleAwareConv(nn.Module):
    """Depth-wise 3x3 conv whose kernels and biases follow from (r_v, r_h), then a 1x1 conv.

    The 1x1 conv starts at zero: a fresh plug-in leaves a pretrained backbone as it is.
    """

    channels: int

    @nn.compact
    def __call__(self, x: Features, scale: Float[Any, "2"], extent: Extent = WHOLE) -> Features:
        """F_adapt of features for a scale, by the numbers of `encode_scale`; shapes are kept."""
        heads = {"kernel": (9 * self.channels, identity_kernel3x3), "bias": (self.channels, nn.initializers.zeros)}
        predicted = HyperNetwork(heads, name="hyper")(scale)
        kernel = predicted["kernel"].reshape(3, 3, self.channels)
        x = DepthwiseConv3x3(name="depthwise")(x, kernel, predicted["bias"], extent)
        return Conv1x1(self.channels, kernel_init=nn.initializers.zeros, name="mix")(x)


class NormalizedConv3x3(nn.Module):
    """3x3 conv and batch norm, as the masks of a network in training have them.

    Without the norm, above all the one over the logits, masks saturate at 0 or 1, and adaption gets no gradient. The
    authors' later code normalises so. The conv has no bias: the norm would take it away. `train.norms` folds kernel
    and norm into a `Conv3x3` of the same name.

    Attributes:
      features: channels of the result.
      options: how the conv is computed.
      axis: name of the axis of devices over which the batch is spread; None: one device has all of it.
    """

    features: int
    options: ConvOptions = DEFAULTS
    axis: str | None = None

    @nn.compact
    def __call__(self, x: Features, extent: Extent = WHOLE) -> Float[Array, "batch height width features"]:
        """The conv of x, normalised by the statistics of the batch; height and width are kept."""
        assert extent == WHOLE, "training images fill their arrays"
        kernel = self.param("kernel", uniform_fan_in, (3, 3, x.shape[-1], self.features))
        norm = nn.BatchNorm(
            use_running_average=False,
            momentum=NORM_MOMENTUM,
            epsilon=NORM_EPSILON,
            dtype=x.dtype,
            axis_name=self.axis,
            use_fast_variance=False,  # differences of large squares lose digits
            name="norm",
        )
        return norm(conv3x3(x, kernel, self.options))


MaskConv = Callable[..., nn.Module]
Channels = Float64[np.ndarray, "channels"]


def norm_as_affine(scale: Channels, shift: Channels, mean: Channels, variance: Channels) -> tuple[Channels, Channels]:
    """What a batch norm with these statistics does to x: (factor, offset) of x * factor + offset."""
    factor = scale / np.sqrt(variance + NORM_EPSILON)
    return factor, shift - mean * factor


class Mask(nn.Module):
    """One-channel map in 0..1 of where features depend on the scale: a small hourglass; any image size works.

    Attributes:
      options: how convs are computed.
      conv: `Conv3x3`, or `NormalizedConv3x3` in training.
    """

    options: ConvOptions = DEFAULTS
    conv: MaskConv = Conv3x3

    @nn.compact
    def __call__(self, x: Features, extent: Extent = WHOLE) -> Float[Array, "batch height width 1"]:
        """M of Eq. 3."""
        size, half = (x.shape[1], x.shape[2]), extent.halve()
        x = nn.relu(self.conv(MASK_WIDTH, self.options, name="conv_0")(x, extent))
        x = average_pool2(x, extent)
        x = nn.relu(self.conv(MASK_WIDTH, self.options, name="conv_1")(x, half))
        x = nn.relu(self.conv(MASK_WIDTH, self.options, name="conv_2")(x, half))
        x = bilinear_up2(x, size, half)
        return nn.sigmoid(self.conv(1, self.options, name="conv_3")(x, extent))


class FeatureAdaption(nn.Module):
    """F_fuse = F + F_adapt * M (Eq. 3), or without M (Table 1, row 3).

    Attributes:
      channels: C.
      kind: "masked", "plain" (without M), or "experts" (masked; the conv is a mix of experts).
      scale_input: see `ModelConfig`.
      options: how convs are computed.
      mask_conv: of M, see `Mask`.
    """

    channels: int
    kind: str
    scale_input: str = "factor"
    options: ConvOptions = DEFAULTS
    mask_conv: MaskConv = Conv3x3

    @nn.compact
    def __call__(
        self, x: Features, scale: Float[Any, "2"], extent: Extent = WHOLE
    ) -> tuple[Features, Float[Array, "batch height width 1"] | None]:
        """Fused features and the mask (None if there is none) for a scale (r_v, r_h)."""
        if self.kind == "experts":
            adapted = ExpertConv(self.channels, self.options, name="conv")(x, scale, extent)
        else:
            numbers = encode_scale(scale, self.scale_input)
            adapted = ScaleAwareConv(self.channels, name="conv")(x, numbers, extent)
        if self.kind == "plain":
            return x + adapted, None
        mask = Mask(self.options, self.mask_conv, name="mask")(x, extent)
        return x + adapted * mask, mask
