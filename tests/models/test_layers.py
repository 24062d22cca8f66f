import jax.numpy as jnp
import numpy as np
import pytest

from arbsr_jax.models.layers import average_pool2, bilinear_up2, pixel_shuffle


def test_pixel_shuffle_takes_channels_in_pytorch_order():
    x = np.arange(2 * 3 * 12).reshape(1, 2, 3, 12)
    result = pixel_shuffle(jnp.asarray(x), 2)
    assert result.shape == (1, 4, 6, 3)
    for y, column, channel in np.ndindex(4, 6, 3):
        assert result[0, y, column, channel] == x[0, y // 2, column // 2, channel * 4 + (y % 2) * 2 + column % 2]


def test_odd_sizes_are_pooled_with_their_own_border():
    x = jnp.arange(15.0).reshape(1, 3, 5, 1)
    np.testing.assert_allclose(average_pool2(x)[0, ..., 0], [[3, 5, 6.5], [10.5, 12.5, 14]])


@pytest.mark.parametrize("size", [(7, 10), (8, 9), (1, 2), (2, 1)])
def test_enlarging_by_two_equals_interpolation_between_pixel_centres(rng, size):
    small = rng.normal(size=tuple(-(-length // 2) for length in size))
    result = bilinear_up2(jnp.asarray(small, jnp.float32)[None, ..., None], size)[0, ..., 0]
    expected = small
    for axis, length in enumerate(size):
        positions = (np.arange(length) + 0.5) / 2 - 0.5
        known = np.arange(expected.shape[axis])
        expected = np.apply_along_axis(lambda line, p=positions, k=known: np.interp(p, k, line), axis, expected)
    np.testing.assert_allclose(result, expected, atol=1e-6)
