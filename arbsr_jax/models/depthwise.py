"""Depth-wise 3x3 convs, and their gradients by hand: grouped convs are slow everywhere."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.lax import dynamic_slice_in_dim
from jaxtyping import Array, Float

from arbsr_jax.models.convolution import TAPS, surrounded

Images = Float[Array, "batch height width channels"]
Kernels = Float[Array, "3 3 channels"]


@jax.custom_vjp
def depthwise_conv3x3(x: Images, kernel: Kernels) -> Images:
    """Depth-wise 3x3 cross-correlation with zero padding 1, as nine shifted multiply-adds."""
    height, width = x.shape[1:3]
    padded = surrounded(x)
    return sum(padded[:, i : i + height, j : j + width] * kernel[i, j].reshape(1, 1, 1, -1) for i, j in TAPS)


def plainly(x: Images, gradient: Images) -> Kernels:
    """A kernel's gradient, from what it was applied to and the gradient of what came out; for accelerators."""
    height, width, channels = gradient.shape[1:]
    padded = surrounded(x)
    sums = [(padded[:, i : i + height, j : j + width] * gradient).sum((0, 1, 2)) for i, j in TAPS]
    return jnp.stack(sums).reshape(3, 3, channels)


def row_by_row(x: Images, gradient: Images) -> Kernels:
    """The same for CPUs: sums for every column of pixels stay in the cache while the rows go by."""
    batch, height, width, channels = x.shape
    length = width * channels  # of a row; as one axis it is worked through faster than as two
    padded = surrounded(x).reshape(batch * (height + 2), -1)
    given = gradient.reshape(batch * height, length)

    def with_row(row: Array, sums: list[Array]) -> list[Array]:
        above = row // height * (height + 2) + row % height
        three, one = dynamic_slice_in_dim(padded, above, 3), dynamic_slice_in_dim(given, row, 1)
        return [total + three[:, j * channels :][:, :length] * one for j, total in enumerate(sums)]

    sums = jax.lax.fori_loop(0, batch * height, with_row, [jnp.zeros((3, length))] * 3)
    return jnp.stack(sums, axis=1).reshape(3, 3, width, channels).sum(2).astype(gradient.dtype)


def _forward(x: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return depthwise_conv3x3(x, kernel), (x, kernel)


def _backward(saved: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    x, kernel = saved
    of_kernel = jax.lax.platform_dependent(x, gradient, cpu=row_by_row, default=plainly)
    return depthwise_conv3x3(gradient, kernel[::-1, ::-1]), of_kernel


depthwise_conv3x3.defvjp(_forward, _backward)
