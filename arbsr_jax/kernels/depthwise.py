"""Depth-wise 3x3 convs with gradients of their own: grouped convs are slow everywhere."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.lax import dynamic_slice_in_dim
from jaxtyping import Float

from arbsr_jax.kernels.conv3x3 import TAPS, pad1
from arbsr_jax.kernels.winograd import add_all
from arbsr_jax.typing import Images

Kernels = Float[Any, "3 3 channels"]


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def depthwise_conv3x3(x: Images, kernel: Kernels, implementation: str = "auto") -> Images:
    """Depth-wise 3x3 cross-correlation with zero padding 1, as nine shifted multiply-adds.

    `implementation` is that of the kernels' gradient: "whole", "rows", or "auto": rows on CPUs.
    """
    height, width = x.shape[1:3]
    padded = pad1(x)
    return add_all(padded[:, i : i + height, j : j + width] * kernel[i, j].reshape(1, 1, 1, -1) for i, j in TAPS)


def kernel_gradient(x: Images, gradient: Images) -> Kernels:
    """The gradient of the kernels, from the conv's input and the gradient of its result; for accelerators."""
    height, width, channels = gradient.shape[1:]
    padded = pad1(x)
    sums = [(padded[:, i : i + height, j : j + width] * gradient).sum((0, 1, 2)) for i, j in TAPS]
    return jnp.stack(sums).reshape(3, 3, channels)


def kernel_gradient_by_rows(x: Images, gradient: Images) -> Kernels:
    """The same for CPUs: sums for every column of pixels stay in the cache while the rows go by."""
    batch, height, width, channels = x.shape
    length = width * channels  # of a row; one axis is worked through faster than two
    padded = pad1(x).reshape(batch * (height + 2), -1)
    gradients = gradient.reshape(batch * height, length)

    def with_row(row: Any, sums: list[Any]) -> list[Any]:
        above = row // height * (height + 2) + row % height
        three, one = dynamic_slice_in_dim(padded, above, 3), dynamic_slice_in_dim(gradients, row, 1)
        return [total + three[:, j * channels :][:, :length] * one for j, total in enumerate(sums)]

    sums = jax.lax.fori_loop(0, batch * height, with_row, [jnp.zeros((3, length))] * 3)
    return jnp.stack(sums, axis=1).reshape(3, 3, width, channels).sum(2).astype(gradient.dtype)


GRADIENTS = {"whole": kernel_gradient, "rows": kernel_gradient_by_rows}


def _forward(x: Any, kernel: Any, implementation: str) -> tuple[Any, tuple[Any, Any]]:
    return depthwise_conv3x3(x, kernel, implementation), (x, kernel)


def _backward(implementation: str, arrays: tuple[Any, Any], gradient: Any) -> tuple[Any, Any]:
    x, kernel = arrays
    if implementation == "auto":
        choices = {"cpu": kernel_gradient_by_rows, "default": kernel_gradient}
        of_kernel = jax.lax.platform_dependent(x, gradient, **choices)
    else:
        of_kernel = GRADIENTS[implementation](x, gradient)
    return depthwise_conv3x3(gradient, kernel[::-1, ::-1]), of_kernel


depthwise_conv3x3.defvjp(_forward, _backward)
