"""Building blocks that backbones and plug-in share. Arrays are NHWC."""

from __future__ import annotations

from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax.lax import slice_in_dim
from jaxtyping import Array, Float, Num

from arbsr_jax.kernels.conv3x3 import DEFAULTS, ConvOptions, conv3x3, kernel_matrix, shift_and_add
from arbsr_jax.kernels.pointwise import add_bias, conv1x1
from arbsr_jax.models.extent import WHOLE, Extent

# PyTorch's default for convolutions and linear layers, with which EDSR and RCAN were trained:
# uniform within fan_in^(-1/2).
uniform_fan_in = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")

# Mean colour of DIV2K, which the backbones subtract, in 0..255.
RGB_MEAN = 255 * np.array([0.4488, 0.4371, 0.4040], np.float32).reshape(1, 1, 1, 3)


class Conv3x3(nn.Module):
    """3x3 conv with zero padding 1.

    Attributes:
      features: channels of the result.
      options: how it is computed.
    """

    features: int
    options: ConvOptions = DEFAULTS

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch height width channels"], extent: Extent = WHOLE
    ) -> Float[Array, "batch height width features"]:
        """The conv of x; height and width are kept."""
        kernel = self.param("kernel", uniform_fan_in, (3, 3, x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return add_bias(conv3x3(extent.zero_outside(x), kernel, self.options), bias)


class Conv1x1(nn.Module):
    """1x1 conv."""

    features: int
    kernel_init: nn.initializers.Initializer = uniform_fan_in

    @nn.compact
    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch height width features"]:
        """The conv of x."""
        kernel = self.param("kernel", self.kernel_init, (x.shape[-1], self.features))
        return add_bias(conv1x1(x, kernel), self.param("bias", nn.initializers.zeros, (self.features,)))


class Pointwise(nn.Module):
    """Kernel and bias of a 1x1 conv that another layer computes."""

    channels: int
    kernel_init: nn.initializers.Initializer = uniform_fan_in

    @nn.compact
    def __call__(self) -> tuple[Float[Any, "channels channels"], Float[Any, "channels"]]:
        """The parameters."""
        kernel = self.param("kernel", self.kernel_init, (self.channels, self.channels), jnp.float32)
        return kernel, self.param("bias", nn.initializers.zeros, (self.channels,))


class Tail(nn.Module):
    """3x3 conv to a few channels with zero padding 1, in two parts: one matrix product, and nine shifted sums.

    A 1x1 conv before it becomes part of the product, also at the rim: the product's result is padded, not its input.
    """

    channels: int
    features: int

    def setup(self) -> None:
        """The parameters of a 3x3 conv."""
        self.kernel = self.param("kernel", uniform_fan_in, (3, 3, self.channels, self.features))
        self.bias = self.param("bias", nn.initializers.zeros, (self.features,))

    def taps(
        self,
        x: Float[Array, "batch height width channels"],
        before: tuple[Float[Any, "channels channels"], Float[Any, "channels"]] | None = None,
    ) -> Float[Array, "batch height width nine_features"]:
        """Every pixel's nine taps, of x or of the 1x1 conv of x with the kernel and bias of `before`."""
        product = kernel_matrix(self.kernel)
        if before is None:
            return conv1x1(x, product)
        exactly = partial(jnp.matmul, precision="highest")
        return add_bias(conv1x1(x, exactly(before[0], product)), exactly(before[1], product))

    def __call__(
        self, taps: Float[Array, "batch height width nine_features"], extent: Extent = WHOLE
    ) -> Float[Array, "batch height width features"]:
        """The conv, from its taps."""
        return add_bias(shift_and_add(extent.zero_outside(taps)), self.bias)


class PointwiseTail(nn.Module):
    """A 1x1 conv to a few channels, used as `Tail` is: no pixel needs another."""

    channels: int
    features: int

    def setup(self) -> None:
        """The parameters of a 1x1 conv."""
        self.kernel = self.param("kernel", uniform_fan_in, (self.channels, self.features))
        self.bias = self.param("bias", nn.initializers.zeros, (self.features,))

    def taps(
        self, x: Float[Array, "batch height width channels"], before: None = None
    ) -> Float[Array, "batch height width features"]:
        """The conv without its bias."""
        del before
        return conv1x1(x, self.kernel)

    def __call__(
        self, taps: Float[Array, "batch height width features"], extent: Extent = WHOLE
    ) -> Float[Array, "batch height width features"]:
        """The conv, from its taps."""
        del extent
        return add_bias(taps, self.bias)


class NoTail(nn.Module):
    """For upsamplers that make colours themselves, used as `Tail` is."""

    def taps(
        self, x: Float[Array, "batch height width 3"], before: None = None
    ) -> Float[Array, "batch height width 3"]:
        """The colours."""
        del before
        return x

    def __call__(
        self, taps: Float[Array, "batch height width 3"], extent: Extent = WHOLE
    ) -> Float[Array, "batch height width 3"]:
        """The colours."""
        del extent
        return taps


def pixel_shuffle(
    x: Num[Array, "batch height width channels"], factor: int
) -> Num[Array, "batch tall wide fewer_channels"]:
    """Channels to space by `factor`, in PyTorch's channel order (channel, row, column)."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height, width, channels // factor**2, factor, factor)
    return x.transpose(0, 1, 4, 2, 5, 3).reshape(batch, height * factor, width * factor, -1)


def average_pool2(
    x: Float[Array, "batch height width channels"], extent: Extent = WHOLE
) -> Float[Array, "batch half_h half_w channels"]:
    """2x2 average pool, sizes rounded up: the last row or column of an odd size is averaged with itself."""
    batch, height, width, channels = x.shape
    x = jnp.pad(extent.replicate_edge(x), ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    x = x.reshape(batch, (height + 1) // 2, 2, (width + 1) // 2, 2, channels)
    # Added up by name: on CPUs a reduction over two axes of two takes twice as long.
    return (x[:, :, 0, :, 0] + x[:, :, 0, :, 1] + x[:, :, 1, :, 0] + x[:, :, 1, :, 1]) / 4


def bilinear_up2(
    x: Float[Array, "batch half_h half_w channels"], size: tuple[Any, Any], extent: Extent = WHOLE
) -> Float[Array, "batch height width channels"]:
    """2x bilinear enlargement (pixel centres at halves, borders clamped), cut to an array of `size` (height, width).

    `extent` is that of x.
    """
    x = extent.replicate_edge(x)
    for axis, length in zip((1, 2), size, strict=True):
        count = x.shape[axis]
        first, last = slice_in_dim(x, 0, 1, axis=axis), slice_in_dim(x, count - 1, count, axis=axis)
        before = jnp.concatenate([first, slice_in_dim(x, 0, count - 1, axis=axis)], axis)
        after = jnp.concatenate([slice_in_dim(x, 1, count, axis=axis), last], axis)
        pairs = jnp.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
        shape = [*x.shape[:axis], 2 * count, *x.shape[axis + 1 :]]
        x = slice_in_dim(pairs.reshape(shape), 0, length, axis=axis)
    return x
