"""Images that fill their arrays only in part, so that programs compiled for a few shapes serve images of all sizes.

Images are padded at the bottom and right. Each layer keeps its own border: it zeroes the padding before a
convolution, or fills it with edge pixels before pooling, by the functions here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from arbsr_jax.imaging.grid import Grid
from arbsr_jax.typing import Images


class Extent(NamedTuple):
    """The part of arrays [batch, height, width, channels] that is image: all of it, or the first rows and columns.

    Attributes:
      size: (height, width) of the image as data; None: it fills its array.
    """

    size: Int[Any, "2"] | None = None

    @classmethod
    def of_canvas(cls, grid: Grid) -> Extent:
        """Of the HR canvas of a grid."""
        return cls(grid.size)

    def size_in(self, x: Images) -> tuple[Any, Any]:
        """(height, width) of the image in this array."""
        return (x.shape[1], x.shape[2]) if self.size is None else (self.size[0], self.size[1])

    def zero_outside(self, x: Images) -> Images:
        """Zeros beyond the image, as a conv with zero padding needs them."""
        return x if self.size is None else jnp.where(self._inside(x), x, 0)

    def replicate_edge(self, x: Images) -> Images:
        """The image's last row and column repeated beyond it."""
        if self.size is None:
            return x
        for axis, length in zip((1, 2), self.size_in(x), strict=True):
            x = jnp.take(x, jnp.minimum(jnp.arange(x.shape[axis]), length - 1), axis=axis, mode="clip")
        return x

    def mean(self, x: Images) -> Float[Array, "batch 1 1 channels"]:
        """The average over the image."""
        if self.size is None:
            return x.mean(axis=(1, 2), keepdims=True)
        return self.zero_outside(x).sum(axis=(1, 2), keepdims=True) / (self.size[0] * self.size[1]).astype(x.dtype)

    def halve(self) -> Extent:
        """The extent after a 2x2 pool whose sizes are rounded up."""
        return self if self.size is None else Extent((self.size + 1) // 2)

    def enlarge(self, factor: int) -> Extent:
        """The extent after an enlargement by a whole factor."""
        return self if self.size is None else Extent(self.size * factor)

    def _inside(self, x: Array) -> Bool[Array, "1 height width 1"]:
        rows, columns = (jnp.arange(n) < s for n, s in zip(x.shape[1:3], self.size_in(x), strict=True))
        return (rows[:, None] & columns[None, :])[None, :, :, None]


WHOLE = Extent()
