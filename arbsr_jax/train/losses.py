"""What training minimises."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def reconstruction_loss(
    sr: Float[Array, "batch rows columns 3"], hr: Float[Array, "batch rows columns 3"], size: Int[Array, "2"]
) -> Float[Array, ""]:
    """L_SR: mean absolute error in 0..255 over the HR size (height, width); the canvas beyond it does not count."""
    inside = (jnp.arange(sr.shape[1]) < size[0])[:, None] & (jnp.arange(sr.shape[2]) < size[1])[None, :]
    error = jnp.abs(sr - hr) * inside[None, :, :, None]
    return error.sum() / (sr.shape[0] * sr.shape[3] * size[0] * size[1])
