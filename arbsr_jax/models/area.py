"""Images that fill their arrays only in part, so that programs compiled for a few shapes serve images of all sizes.

An image lies at the top left of its array. Layers leave rubbish beyond it, which must not leak back in; where a layer
reads beyond the image, the functions here put there what the border of an image of its own would have given.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


class Area(NamedTuple):
    """The part of arrays [batch, height, width, channels] that is image: all of it, or the first rows and columns.

    Attributes:
      size: (height, width) of the image as data; None: it fills its array.
    """

    size: Int[Array, "2"] | None = None

    def size_in(self, x: Float[Array, "batch height width channels"]) -> tuple[int | Array, int | Array]:
        """(height, width) of the image in this array."""
        return x.shape[1:3] if self.size is None else (self.size[0], self.size[1])

    def clear(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch height width channels"]:
        """Zeros beyond the image: what a conv with zero padding reads there."""
        return x if self.size is None else jnp.where(self._inside(x), x, 0)

    def extend(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch height width channels"]:
        """The image's last row and column repeated beyond it."""
        if self.size is None:
            return x
        for axis, length in zip((1, 2), self.size_in(x), strict=True):
            x = jnp.take(x, jnp.minimum(jnp.arange(x.shape[axis]), length - 1), axis=axis, mode="clip")
        return x

    def mean(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch 1 1 channels"]:
        """The average over the image."""
        if self.size is None:
            return x.mean(axis=(1, 2), keepdims=True)
        height, width = self.size_in(x)
        return self.clear(x).sum(axis=(1, 2), keepdims=True) / (height * width).astype(x.dtype)

    def halved(self) -> Area:
        """The area after a 2x2 pool whose sizes are rounded up."""
        return self if self.size is None else Area((self.size + 1) // 2)

    def times(self, factor: int) -> Area:
        """The area after an enlargement by a whole factor."""
        return self if self.size is None else Area(self.size * factor)

    def _inside(self, x: Array) -> Bool[Array, "1 height width 1"]:
        rows, columns = (jnp.arange(n) < s for n, s in zip(x.shape[1:3], self.size_in(x), strict=True))
        return (rows[:, None] & columns[None, :])[None, :, :, None]


WHOLE = Area()
