"""Biases and 1x1 convs, with gradients that are fast on CPUs."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from arbsr_jax.typing import Images


def sum_over_pixels(x: Images) -> Float[Any, "channels"]:
    """Each channel's sum; on CPUs by a product with ones, 9 times as fast as XLA's reduction channel by channel."""

    def by_product(x: Any) -> Any:
        batch, height, width, channels = x.shape
        # Rows first, then columns: short sums lose less.
        rows = x.reshape(batch * height, width * channels)
        columns = jnp.matmul(jnp.ones(len(rows), x.dtype), rows, preferred_element_type=jnp.float32)
        return columns.reshape(width, channels).sum(0).astype(x.dtype)

    return jax.lax.platform_dependent(x, cpu=by_product, default=lambda x: x.sum((0, 1, 2)))


@jax.custom_vjp
def add_bias(x: Images, bias: Float[Any, "channels"]) -> Images:
    """A bias added to every pixel."""
    return x + bias.reshape(1, 1, 1, -1)


def _add_bias_forward(x: Any, bias: Any) -> tuple[Any, None]:
    return add_bias(x, bias), None


def _add_bias_backward(_: None, gradient: Any) -> tuple[Any, Any]:
    return gradient, sum_over_pixels(gradient)


add_bias.defvjp(_add_bias_forward, _add_bias_backward)


@jax.custom_vjp
def conv1x1(x: Images, kernel: Float[Any, "channels features"]) -> Float[Any, "batch height width features"]:
    """A 1x1 conv: one matrix product."""
    return x @ kernel


def _conv1x1_forward(x: Any, kernel: Any) -> tuple[Any, tuple[Any, Any]]:
    return conv1x1(x, kernel), (x, kernel)


def _conv1x1_backward(saved: tuple[Any, Any], gradient: Any) -> tuple[Any, Any]:
    x, kernel = saved
    # In this order XLA turns neither of the two around in memory.
    of_kernel = jnp.einsum("nc,nf->cf", x.reshape(-1, x.shape[-1]), gradient.reshape(-1, gradient.shape[-1]))
    return gradient @ kernel.T, of_kernel


conv1x1.defvjp(_conv1x1_forward, _conv1x1_backward)
