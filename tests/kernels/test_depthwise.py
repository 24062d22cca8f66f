import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arbsr_jax.kernels.depthwise import depthwise_conv3x3, kernel_gradient_by_rows

SIZES = pytest.mark.parametrize("size", [(5, 4), (1, 1), (2, 7), (13, 1)])


def arrays(rng, size):
    """Images, kernels, and a gradient of the result."""
    shapes = (2, *size, 6), (3, 3, 6), (2, *size, 6)
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def shifted(x):
    """In float64, for each of the nine taps: what it meets."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = x.shape[1:3]
    return np.stack([padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)])


@SIZES
def test_conv_equals_float64(rng, size):
    x, kernel, _ = arrays(rng, size)
    expected = np.einsum("tbhwc,tc->bhwc", shifted(x), kernel.reshape(9, -1))
    np.testing.assert_allclose(depthwise_conv3x3(jnp.asarray(x), jnp.asarray(kernel)), expected, atol=1e-5)


@SIZES
@pytest.mark.parametrize("implementation", ["rows", "whole", "auto"])
def test_gradients_equal_float64_on_every_platform(rng, size, implementation):
    x, kernel, given = arrays(rng, size)

    def conv(x, kernel):
        return depthwise_conv3x3(x, kernel, implementation)

    of_x, of_kernel = jax.vjp(conv, jnp.asarray(x), jnp.asarray(kernel))[1](jnp.asarray(given))
    turned = kernel[::-1, ::-1].reshape(9, -1)
    np.testing.assert_allclose(of_x, np.einsum("tbhwc,tc->bhwc", shifted(given), turned), atol=1e-5)
    expected = np.einsum("tbhwc,bhwc->tc", shifted(x), given.astype(np.float64)).reshape(kernel.shape)
    np.testing.assert_allclose(of_kernel, expected, atol=1e-5)


def test_sums_of_bfloat16_are_made_in_single_precision():
    ones = jnp.ones((4, 32, 32, 3), jnp.bfloat16)
    assert kernel_gradient_by_rows(ones, ones)[1, 1].tolist() == [4096] * 3
