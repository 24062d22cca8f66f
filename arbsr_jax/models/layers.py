"""Building blocks that backbones and plug-in share. Arrays are NHWC."""

from __future__ import annotations

from functools import partial

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax.lax import slice_in_dim
from jaxtyping import Array, Float

# PyTorch's default for convolutions and linear layers, with which EDSR and RCAN were trained:
# uniform within fan_in^(-1/2).
uniform_fan_in = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")

Conv3x3 = partial(nn.Conv, kernel_size=(3, 3), padding=1, kernel_init=uniform_fan_in)
# A 1x1 conv written as the matrix product it is: its gradients run faster on CPUs than those of a convolution.
Conv1x1 = partial(nn.Dense, kernel_init=uniform_fan_in)

# Mean colour of DIV2K, which the backbones subtract, in 0..255.
RGB_MEAN = 255 * np.array([0.4488, 0.4371, 0.4040], np.float32).reshape(1, 1, 1, 3)


def depthwise_conv3x3(
    x: Float[Array, "batch height width channels"], kernel: Float[Array, "3 3 channels"]
) -> Float[Array, "batch height width channels"]:
    """Depth-wise 3x3 cross-correlation with zero padding 1, as nine shifted multiply-adds (grouped convs are slow)."""
    height, width = x.shape[1:3]
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    taps = [(i, j) for i in range(3) for j in range(3)]
    return sum(padded[:, i : i + height, j : j + width] * kernel[i, j].reshape(1, 1, 1, -1) for i, j in taps)


def pixel_shuffle(
    x: Float[Array, "batch height width channels"], factor: int
) -> Float[Array, "batch tall wide fewer_channels"]:
    """Channels to space by `factor`, in PyTorch's channel order (channel, row, column)."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height, width, channels // factor**2, factor, factor)
    return x.transpose(0, 1, 4, 2, 5, 3).reshape(batch, height * factor, width * factor, -1)


def average_pool2(x: Float[Array, "batch height width channels"]) -> Float[Array, "batch half_h half_w channels"]:
    """2x2 average pool, sizes rounded up: the last row or column of an odd size is averaged with itself."""
    batch, height, width, channels = x.shape
    x = jnp.pad(x, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return x.reshape(batch, (height + 1) // 2, 2, (width + 1) // 2, 2, channels).mean(axis=(2, 4))


def bilinear_up2(
    x: Float[Array, "batch half_h half_w channels"], size: tuple[int, int]
) -> Float[Array, "batch height width channels"]:
    """2x bilinear enlargement (pixel centres at halves, borders clamped), cut to `size` (height, width)."""
    for axis, length in zip((1, 2), size, strict=True):
        count = x.shape[axis]
        first, last = slice_in_dim(x, 0, 1, axis=axis), slice_in_dim(x, count - 1, count, axis=axis)
        before = jnp.concatenate([first, slice_in_dim(x, 0, count - 1, axis=axis)], axis)
        after = jnp.concatenate([slice_in_dim(x, 1, count, axis=axis), last], axis)
        pairs = jnp.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
        shape = [*x.shape[:axis], 2 * count, *x.shape[axis + 1 :]]
        x = slice_in_dim(pairs.reshape(shape), 0, length, axis=axis)
    return x
