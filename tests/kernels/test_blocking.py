import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arbsr_jax.kernels.blocking import CORE_BLOCK, SHARED_BLOCK, Blocks
from arbsr_jax.kernels.winograd import winograd, winograd_1d, winograd_kernel_gradient

MANY = [
    (1, 25, 25, 64),
    (6, 10, 10, 64),
    (16, 13, 13, 32),
    (7, 9, 31, 64),
    (2, 300, 1, 16),
    (1, 1, 900, 256),
    (12, 2, 3, 64),
]


def test_small_blocks_cut_what_large_ones_leave_whole():
    assert Blocks.of(1, 25, 25, 64, CORE_BLOCK).number > 1
    assert Blocks.of(1, 25, 25, 64, SHARED_BLOCK).number == 1
    assert Blocks.of(1, 100, 100, 64, SHARED_BLOCK).number > 1


@pytest.mark.parametrize(("batch", "rows", "columns", "channels"), MANY)
def test_blocks_cover_every_image_and_little_else(batch, rows, columns, channels):
    blocks = Blocks.of(batch, rows, columns, channels, CORE_BLOCK)
    assert blocks.images == 1 or blocks.per_image == 1
    assert batch % blocks.images == 0
    assert rows <= blocks.rows * blocks.per_image <= 1.2 * rows
    assert blocks.number == batch // blocks.images * blocks.per_image
    tiles = blocks.images * blocks.rows * columns
    assert blocks.number == 1 or tiles <= max(2 * max(CORE_BLOCK // channels, 2 * channels), 2 * columns)


def test_symbols_make_one_block():
    (height,) = jax.export.symbolic_shape("h")
    assert Blocks.of(1, height, 900, 64, CORE_BLOCK).number == 1


@pytest.mark.parametrize("size", [pytest.param((1, 61, 47), marks=pytest.mark.slow), (3, 41, 40)])
def test_blocks_change_nothing_but_rounding(rng, size):
    """Against one block of everything: results, and a kernel's gradient."""
    x, gradient = (jnp.asarray(rng.normal(size=(*size, 8)), jnp.float32) for _ in range(2))
    kernel = jnp.asarray(rng.normal(size=(3, 3, 8, 8)), jnp.float32)
    small, one = 8 * 40, 8 * 10**6
    assert Blocks.of(size[0], -(-size[1] // 4), -(-size[2] // 4), 8, small).number > 1

    def computed(block):
        gradient_of_kernel = winograd_kernel_gradient(x, gradient, block)
        return winograd(x, kernel, block), winograd_1d(x, kernel, block), gradient_of_kernel

    for some, whole in zip(computed(small), computed(one), strict=True):
        np.testing.assert_allclose(some, whole, rtol=0, atol=1e-5 * np.abs(whole).max())


def test_more_layers_take_no_more_memory(rng):
    """What a layer's loop writes to is laid out when the layer runs, not for all layers at once."""
    x = jnp.zeros((1, 128, 128, 32))
    assert Blocks.of(1, 32, 32, 32, CORE_BLOCK).number > 1

    def chain(x, kernels):
        for kernel in kernels:
            x = jax.nn.relu(winograd(x, kernel, CORE_BLOCK))
        return x

    def temporary(layers):
        kernels = [jnp.asarray(rng.normal(size=(3, 3, 32, 32)), jnp.float32) for _ in range(layers)]
        return jax.jit(chain).lower(x, kernels).compile().memory_analysis().temp_size_in_bytes

    assert temporary(6) <= 1.1 * temporary(2)
