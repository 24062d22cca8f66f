import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arbsr_jax.models.bands import TILES, Bands, one_core_each
from arbsr_jax.models.winograd import winograd, winograd_of_kernel
from arbsr_jax.models.winograd_1d import winograd_1d

MANY = [
    (1, 25, 25, 64),
    (6, 10, 10, 64),
    (16, 13, 13, 32),
    (7, 9, 31, 64),
    (2, 300, 1, 16),
    (1, 1, 900, 256),
    (12, 2, 3, 64),
]


@pytest.fixture(autouse=True)
def banded(monkeypatch):
    monkeypatch.setattr("arbsr_jax.models.bands.one_core_each", lambda: True)


@pytest.mark.parametrize(("devices", "one"), [(1, False), (2, True), (4, True)])
def test_bands_are_smaller_for_devices_of_one_core(monkeypatch, devices, one):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setattr(jax, "local_device_count", lambda backend: devices)
    assert one_core_each() == one
    monkeypatch.setattr("arbsr_jax.models.bands.one_core_each", lambda: one)
    assert (Bands.of(1, 25, 25, 64).count > 1) == one
    assert Bands.of(1, 100, 100, 64).count > 1


@pytest.mark.parametrize(("batch", "rows", "columns", "channels"), MANY)
def test_bands_cover_every_image_and_little_else(batch, rows, columns, channels):
    bands = Bands.of(batch, rows, columns, channels)
    assert bands.images == 1 or bands.each == 1
    assert batch % bands.images == 0
    assert rows <= bands.rows * bands.each <= 1.2 * rows
    assert bands.count == batch // bands.images * bands.each
    tiles = bands.images * bands.rows * columns
    assert bands.count == 1 or tiles <= max(2 * max(TILES, 2 * channels), 2 * columns)


def test_symbols_make_one_band():
    (height,) = jax.export.symbolic_shape("h")
    assert Bands.of(1, height, 900, 64).count == 1


@pytest.mark.parametrize("size", [(1, 61, 47), (3, 41, 40), (8, 20, 22)])
def test_bands_change_nothing_but_rounding(rng, monkeypatch, size):
    """Against one band of everything: results, and a kernel's gradient."""
    x, gradient = (jnp.asarray(rng.normal(size=(*size, 8)), jnp.float32) for _ in range(2))
    kernel = jnp.asarray(rng.normal(size=(3, 3, 8, 8)), jnp.float32)
    monkeypatch.setattr("arbsr_jax.models.bands.TILES", 40)
    assert Bands.of(size[0], -(-size[1] // 4), -(-size[2] // 4), 8).count > 1

    def computed():
        return winograd(x, kernel), winograd_1d(x, kernel), winograd_of_kernel(x, gradient)

    found = computed()
    monkeypatch.setattr("arbsr_jax.models.bands.TILES", 10**6)
    for some, whole in zip(found, computed(), strict=True):
        np.testing.assert_allclose(some, whole, rtol=0, atol=1e-5 * np.abs(whole).max())


def test_more_layers_take_no_more_memory(rng):
    """What a layer's loop writes to is laid out when the layer runs, not for all layers at once."""
    x = jnp.zeros((1, 128, 128, 32))
    assert Bands.of(1, 32, 32, 32).count > 1

    def chain(x, kernels):
        for kernel in kernels:
            x = jax.nn.relu(winograd(x, kernel))
        return x

    def temporary(layers):
        kernels = [jnp.asarray(rng.normal(size=(3, 3, 32, 32)), jnp.float32) for _ in range(layers)]
        return jax.jit(chain).lower(x, kernels).compile().memory_analysis().temp_size_in_bytes

    assert temporary(6) <= 1.1 * temporary(2)
