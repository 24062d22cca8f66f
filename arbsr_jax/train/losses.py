"""What training minimises: L = L_SR + lambda * L_transfer (Eq. 7), in grey levels and features of the 0..255 range."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def reconstruction_loss(
    sr: Float[Array, "batch rows columns 3"], hr: Float[Array, "batch rows columns 3"], size: Int[Array, "2"]
) -> Float[Array, ""]:
    """L_SR: mean absolute error in 0..255 over the HR size (height, width); the canvas beyond it does not count."""
    inside = (jnp.arange(sr.shape[1]) < size[0])[:, None] & (jnp.arange(sr.shape[2]) < size[1])[None, :]
    error = jnp.abs(sr - hr) * inside[None, :, :, None]
    return error.sum() / (sr.shape[0] * sr.shape[3] * size[0] * size[1])


def transfer_loss(
    student: Sequence[Float[Array, "batch height width channels"]],
    teacher: Sequence[Float[Array, "batch height width channels"]],
) -> Float[Array, ""]:
    """L_transfer (Eq. 6): mean absolute difference of features, averaged over the N places where they are named."""
    differences = [
        jnp.abs(a.astype(jnp.float32) - b.astype(jnp.float32)).mean() for a, b in zip(student, teacher, strict=True)
    ]
    return jnp.stack(differences).mean()
