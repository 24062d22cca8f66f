"""Images worked through in blocks that stay in the cache: on CPUs what costs most is the way to memory and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

# Values of a block: tiles times channels; benchmarks/convolution.py compares. Winograd makes 36 points of a tile.
CORE_BLOCK = 2**13  # if a device has one core: 1.2 MB of points
SHARED_BLOCK = 2**16  # if cores share a device: XLA splits large operations among them, also in loops


class Blocks(NamedTuple):
    """How a batch of images, each a grid of tiles, is cut: into rows of tiles of one image, or into several images.

    Attributes:
      batch: how many images there are; like all sizes here an integer, or a symbol of jax.export.
      images: how many of them a block has.
      rows: how many rows of tiles a block has; they cover an image, or more than it, in `per_image` blocks.
      per_image: how many blocks an image is cut into, if a block has one image.
    """

    batch: Any
    images: Any
    rows: Any
    per_image: int

    @classmethod
    def of(cls, batch: Any, rows: Any, columns: Any, channels: int, values: int) -> Blocks:
        """For `batch` images of rows x columns tiles; one block if it is hardly too large, or if sizes are symbols.

        Each block reloads the kernels, so blocks grow with the channel count to amortise it.
        """
        whole = cls(batch, batch, rows, 1)
        if not all(isinstance(size, int) for size in (batch, rows, columns)):
            return whole
        tiles = max(values // channels, 2 * channels)
        if batch * rows * columns <= 2 * tiles:
            return whole
        if rows * columns <= tiles:
            fitting = tiles // (rows * columns)
            return cls(batch, max(n for n in range(1, fitting + 1) if batch % n == 0), rows, 1)
        target = max(1, tiles // columns)
        # Of about that many rows those that cover an image with the fewest beyond it.
        height = min(range(-(-target // 2), 2 * target + 1), key=lambda n: (-(-rows // n) * n, abs(n - target)))
        return cls(batch, 1, height, -(-rows // height))

    @property
    def number(self) -> Any:
        """How many blocks there are."""
        return self.batch // self.images * self.per_image

    def pad(
        self, x: Float[Any, "batch height width channels"], tile: int, halo: int
    ) -> Float[Any, "batch any_tall any_wide channels"]:
        """Images for `block`: those that are cut are padded first, others in their block, which is cheaper."""
        return self._framed(x, tile, halo) if self.per_image > 1 else x

    def block(
        self, padded: Float[Any, "batch any_tall any_wide channels"], number: Int[Array, ""], tile: int, halo: int
    ) -> Float[Any, "images tall wide channels"]:
        """The pixels of a block: its tiles of `tile` pixels, and `halo` more on every side; zeros beyond the image."""
        start = (number // self.per_image * self.images, number % self.per_image * self.rows * tile, 0, 0)
        height, *others = padded.shape[1:]
        if self.per_image > 1:
            return jax.lax.dynamic_slice(padded, start, (1, self.rows * tile + 2 * halo, *others))
        images = padded if self.number == 1 else jax.lax.dynamic_slice(padded, start, (self.images, height, *others))
        return self._framed(images, tile, halo)

    def map_blocks(
        self, function: Callable[[Array], Array], size: tuple[Any, Any], zero: Float[Any, ""]
    ) -> Float[Any, "batch height width features"]:
        """The results of a function of the block's number, as images of a size (height, width) again.

        The `zero` has to be computed from the images: results whose first value depends on nothing would be laid out
        for all loops of a network before the first of them runs.
        """
        height, width = size
        if self.per_image > 1:
            return self._looped(function, zero)[:, :height, :width]
        return self._looped(lambda number: function(number)[:, :height, :width], zero)

    def sum_blocks(self, function: Callable[[Array], Array], zero: Float[Any, ""]) -> Float[Any, "..."]:
        """The sum of a function of the block's number over all blocks; `zero` is as for `map_blocks`."""
        if self.number == 1:
            return function(jnp.int32(0))
        total = jnp.broadcast_to(zero, jax.eval_shape(function, jnp.int32(0)).shape)
        return jax.lax.fori_loop(0, self.number, lambda number, total: total + function(number), total)

    def _looped(self, function: Callable[[Array], Array], zero: Array) -> Array:
        if self.number == 1:
            return function(jnp.int32(0))
        images, tall, *others = jax.eval_shape(function, jnp.int32(0)).shape

        def with_block(number: Array, whole: Array) -> Array:
            start = (number // self.per_image * images, number % self.per_image * tall, 0, 0)
            return jax.lax.dynamic_update_slice(whole, function(number), start)

        whole = jnp.broadcast_to(zero, (self.batch, self.per_image * tall, *others))
        return jax.lax.fori_loop(0, self.number, with_block, whole)

    def _framed(self, x: Array, tile: int, halo: int) -> Array:
        height, width = x.shape[1:3]
        sizes = ((height, self.rows * self.per_image * tile), (width, -(-width // tile) * tile))
        return jnp.pad(x, [(0, 0), *((halo, whole - length + halo) for length, whole in sizes), (0, 0)])
