import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate

from arbsr_jax.models import convolution
from arbsr_jax.models.convolution import by_taps, conv3x3, direct, winograd, winograd_1d


def in_float64(x, kernel):
    result = np.zeros((*x.shape[:3], kernel.shape[-1]))
    padded = np.pad(x.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    for index in np.ndindex(x.shape[0], kernel.shape[-1]):
        result[index[0], ..., index[1]] = correlate(padded[index[0]], kernel[..., index[1]], mode="valid")[..., 0]
    return result


@pytest.mark.parametrize("size", [(1, 1), (4, 8), (5, 3), (13, 18)])
@pytest.mark.parametrize("way", [direct, by_taps, winograd, winograd_1d])
def test_every_way_equals_a_float64_correlation(rng, way, size):
    x, kernel = rng.normal(0, 50, (2, *size, 5)), rng.normal(0, 0.2, (3, 3, 5, 6))
    x, kernel = x.astype(np.float32), kernel.astype(np.float32)
    expected = in_float64(x, kernel)
    np.testing.assert_allclose(way(jnp.asarray(x), jnp.asarray(kernel)), expected, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("way", [winograd, winograd_1d])
def test_winograds_error_over_many_channels_is_below_3e_6(rng, way):
    """256 channels, where sums are longest: 3e-6 of the largest result."""
    x = jnp.asarray(rng.normal(0, 50, (1, 21, 30, 256)), jnp.float32)
    kernel = jnp.asarray(rng.normal(0, 0.05, (3, 3, 256, 8)), jnp.float32)
    expected = in_float64(np.asarray(x), np.asarray(kernel))
    assert np.abs(np.asarray(way(x, kernel)) - expected).max() <= 3e-6 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("channels", "features", "way"),
    [
        (64, 64, winograd),
        (64, 256, winograd),
        (256, 16, winograd_1d),
        (64, 16, winograd_1d),
        (32, 16, winograd_1d),
        (64, 3, by_taps),
        (16, 16, direct),
        (16, 1, by_taps),
        (3, 64, direct),
    ],
)
def test_the_way_follows_from_the_shape(rng, monkeypatch, channels, features, way):
    called = []
    conv3x3.clear_cache()  # what is traced anew asks for the way
    for name in ("direct", "by_taps", "winograd", "winograd_1d"):
        real = getattr(convolution, name)
        monkeypatch.setattr(convolution, name, lambda x, k, n=name, f=real: (called.append(n), f(x, k))[1])
    conv3x3(jnp.zeros((1, 4, 4, channels)), jnp.zeros((3, 3, channels, features)))
    assert way.__name__ in called


@pytest.mark.parametrize(("channels", "features"), [(64, 1), (64, 7), (64, 16), (64, 64), (144, 16)])
def test_gradients_equal_float64_within_1e_5(rng, channels, features):
    """Of the largest gradient, as for results; sizes that are no multiples of its tiles."""
    sizes = (2, 6, 9, channels), (3, 3, channels, features), (2, 6, 9, features)
    x, kernel, given = (rng.normal(size=size).astype(np.float32) for size in sizes)
    of_x, of_kernel = jax.vjp(conv3x3, jnp.asarray(x), jnp.asarray(kernel))[1](jnp.asarray(given))
    expected_of_x = in_float64(given, kernel[::-1, ::-1].transpose(0, 1, 3, 2))
    padded = np.pad(x.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    moved = np.stack([padded[:, i : i + 6, j : j + 9] for i in range(3) for j in range(3)])
    expected_of_kernel = np.einsum("tbhwc,bhwf->tcf", moved, given.astype(np.float64)).reshape(kernel.shape)
    for found, expected in ((of_x, expected_of_x), (of_kernel, expected_of_kernel)):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
