"""Images worked through in bands that stay in the cache: on CPUs what costs most is the way to memory and back.

Where a device has several cores bands are larger: XLA shares among them what is large enough, also in a loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from arbsr_jax import parallel

# Of a band, about; benchmarks/convolution.py compares. Winograd makes 36 points of a tile.
TILES = 128  # for one core: 1.2 MB of points for 64 channels
SHARED_VALUES = 2**16  # tiles times channels for several: 9 MB of points


def one_core_each() -> bool:
    """Whether there are as many CPU devices as cores for this process, or more."""
    return jax.local_device_count("cpu") >= parallel.cores()


class Bands(NamedTuple):
    """How a batch of images, each a grid of tiles, is cut: into rows of tiles of one image, or into several images.

    Attributes:
      batch: how many images there are.
      images: how many of them a band has.
      rows: how many rows of tiles a band has; they cover an image, or more than it, in `each` bands.
      each: how many bands an image is cut into, if a band has one image.
    """

    batch: int
    images: int
    rows: int
    each: int

    @classmethod
    def of(cls, batch: int, rows: int, columns: int, channels: int) -> Bands:
        """For `batch` images of rows x columns tiles; one band where it is hardly too large, or sizes are symbols.

        More channels have larger kernels, which every band reads anew: it has as many tiles as makes up for that.
        """
        whole = cls(batch, batch, rows, 1)
        if not all(isinstance(size, int) for size in (batch, rows, columns)):
            return whole
        tiles = max(TILES if one_core_each() else SHARED_VALUES // channels, 2 * channels)
        if batch * rows * columns <= 2 * tiles:
            return whole
        if rows * columns <= tiles:
            fitting = tiles // (rows * columns)
            return cls(batch, max(n for n in range(1, fitting + 1) if batch % n == 0), rows, 1)
        wanted = max(1, tiles // columns)
        # Of about that many rows those that cover an image with the fewest beyond it.
        height = min(range(-(-wanted // 2), 2 * wanted + 1), key=lambda n: (-(-rows // n) * n, abs(n - wanted)))
        return cls(batch, 1, height, -(-rows // height))

    @property
    def count(self) -> int:
        """How many bands there are."""
        return self.batch // self.images * self.each

    def prepared(
        self, x: Float[Array, "batch height width channels"], tile: int, around: int
    ) -> Float[Array, "batch any_tall any_wide channels"]:
        """Images for `part`: those that are cut get their zeros first, others in their band, where they are cheaper."""
        return self._framed(x, tile, around) if self.each > 1 else x

    def part(
        self, prepared: Float[Array, "batch any_tall any_wide channels"], band: Array, tile: int, around: int
    ) -> Float[Array, "images tall wide channels"]:
        """The pixels of a band: its tiles of `tile` pixels, and `around` more on every side; zeros beyond the image."""
        start = (band // self.each * self.images, band % self.each * self.rows * tile, 0, 0)
        height, *others = prepared.shape[1:]
        if self.each > 1:
            return jax.lax.dynamic_slice(prepared, start, (1, self.rows * tile + 2 * around, *others))
        images = prepared if self.count == 1 else jax.lax.dynamic_slice(prepared, start, (self.images, height, *others))
        return self._framed(images, tile, around)

    def joined(
        self, function: Callable[[Array], Array], size: tuple[int, int], zero: Float[Array, ""]
    ) -> Float[Array, "batch height width features"]:
        """What a function of the band's number makes of all bands, as images of a size again.

        The `zero` has to be computed from the images: results whose first value depends on nothing would be laid out
        for all loops of a network before the first of them runs.
        """
        height, width = size
        if self.each > 1:
            return self._looped(function, zero)[:, :height, :width]
        return self._looped(lambda band: function(band)[:, :height, :width], zero)

    def summed(self, function: Callable[[Array], Array], zero: Float[Array, ""]) -> Array:
        """The sum of what a function of the band's number makes of each band; `zero` is as for `joined`."""
        if self.count == 1:
            return function(jnp.int32(0))
        total = jnp.broadcast_to(zero, jax.eval_shape(function, jnp.int32(0)).shape)
        return jax.lax.fori_loop(0, self.count, lambda band, total: total + function(band), total)

    def _looped(self, function: Callable[[Array], Array], zero: Float[Array, ""]) -> Array:
        if self.count == 1:
            return function(jnp.int32(0))
        images, tall, *others = jax.eval_shape(function, jnp.int32(0)).shape

        def with_band(band: Array, whole: Array) -> Array:
            start = (band // self.each * images, band % self.each * tall, 0, 0)
            return jax.lax.dynamic_update_slice(whole, function(band), start)

        whole = jnp.broadcast_to(zero, (self.batch, self.each * tall, *others))
        return jax.lax.fori_loop(0, self.count, with_band, whole)

    def _framed(self, x: Array, tile: int, around: int) -> Array:
        height, width = x.shape[1:3]
        sizes = ((height, self.rows * self.each * tile), (width, -(-width // tile) * tile))
        return jnp.pad(x, [(0, 0), *((around, whole - length + around) for length, whole in sizes), (0, 0)])
