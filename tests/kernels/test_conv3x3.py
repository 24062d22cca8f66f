import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate

from arbsr_jax.kernels.conv3x3 import IMPLEMENTATIONS, ConvOptions, choose_cpu_implementation, conv3x3

CHANNELS = [(64, 1), (64, 7), (64, 16), (64, 64), pytest.param(144, 16, marks=pytest.mark.slow)]


def in_float64(x, kernel):
    result = np.zeros((*x.shape[:3], kernel.shape[-1]))
    padded = np.pad(x.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    for index in np.ndindex(x.shape[0], kernel.shape[-1]):
        result[index[0], ..., index[1]] = correlate(padded[index[0]], kernel[..., index[1]], mode="valid")[..., 0]
    return result


@pytest.mark.parametrize("size", [(1, 1), (4, 8), (5, 3), (13, 18)])
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_every_implementation_equals_a_float64_correlation(rng, implementation, size):
    x, kernel = rng.normal(0, 50, (2, *size, 5)), rng.normal(0, 0.2, (3, 3, 5, 6))
    x, kernel = x.astype(np.float32), kernel.astype(np.float32)
    expected = in_float64(x, kernel)
    result = conv3x3(jnp.asarray(x), jnp.asarray(kernel), ConvOptions(implementation))
    np.testing.assert_allclose(result, expected, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("implementation", ["winograd", "winograd_1d"])
def test_winograds_error_over_many_channels_is_below_3e_6(rng, implementation):
    """256 channels, where sums are longest: 3e-6 of the largest result."""
    x = jnp.asarray(rng.normal(0, 50, (1, 21, 30, 256)), jnp.float32)
    kernel = jnp.asarray(rng.normal(0, 0.05, (3, 3, 256, 8)), jnp.float32)
    expected = in_float64(np.asarray(x), np.asarray(kernel))
    error = np.asarray(conv3x3(x, kernel, ConvOptions(implementation))) - expected
    assert np.abs(error).max() <= 3e-6 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("channels", "features", "implementation"),
    [
        (64, 64, "winograd"),
        (64, 256, "winograd"),
        (256, 16, "winograd_1d"),
        (64, 16, "winograd_1d"),
        (32, 16, "winograd_1d"),
        (64, 3, "kn2row"),
        (16, 16, "xla"),
        (16, 1, "kn2row"),
        (3, 64, "xla"),
    ],
)
def test_the_implementation_follows_from_the_shape(rng, channels, features, implementation):
    """`auto` on a CPU is that implementation to the last bit."""
    x = jnp.asarray(rng.normal(size=(1, 6, 7, channels)), jnp.float32)
    kernel = jnp.asarray(rng.normal(size=(3, 3, channels, features)), jnp.float32)
    assert choose_cpu_implementation(x, kernel) == implementation
    np.testing.assert_array_equal(conv3x3(x, kernel), conv3x3(x, kernel, ConvOptions(implementation)))
    assert choose_cpu_implementation(x.astype(jnp.bfloat16), kernel) == "xla"


def test_an_unknown_implementation_is_refused():
    with pytest.raises(ValueError, match="allowed: auto, xla, kn2row, winograd, winograd_1d"):
        conv3x3(jnp.zeros((1, 4, 4, 2)), jnp.zeros((3, 3, 2, 2)), ConvOptions("fft"))


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_images_of_a_batch_do_not_touch_each_other(rng, implementation, value):
    """A value that is not finite at the first pixel of image 0: image 1 is the same as without, gradients too."""
    x = rng.normal(size=(2, 13, 18, 32)).astype(np.float32)
    kernel = jnp.asarray(rng.normal(size=(3, 3, 32, 32)), jnp.float32)
    spoiled = x.copy()
    spoiled[0, 0, 0, 0] = value

    def result_and_gradient(images):
        result, back = jax.vjp(lambda x: conv3x3(x, kernel, ConvOptions(implementation)), jnp.asarray(images))
        return np.asarray(result), np.asarray(back(result)[0])

    for clean, found in zip(result_and_gradient(x), result_and_gradient(spoiled), strict=True):
        np.testing.assert_array_equal(found[1], clean[1])
        assert not np.isfinite(found[0]).all()
        assert np.isfinite(found[0, 8:, 8:]).all()


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize(("channels", "features"), CHANNELS)
def test_gradients_equal_float64_within_1e_5(rng, implementation, channels, features):
    """Of the largest gradient, as for results; sizes that are no multiples of its tiles."""
    sizes = (2, 6, 9, channels), (3, 3, channels, features), (2, 6, 9, features)
    x, kernel, gradient = (rng.normal(size=size).astype(np.float32) for size in sizes)

    def conv(x, kernel):
        return conv3x3(x, kernel, ConvOptions(implementation))

    of_x, of_kernel = jax.vjp(conv, jnp.asarray(x), jnp.asarray(kernel))[1](jnp.asarray(gradient))
    expected_of_x = in_float64(gradient, kernel[::-1, ::-1].transpose(0, 1, 3, 2))
    padded = np.pad(x.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    moved = np.stack([padded[:, i : i + 6, j : j + 9] for i in range(3) for j in range(3)])
    expected_of_kernel = np.einsum("tbhwc,bhwf->tcf", moved, gradient.astype(np.float64)).reshape(kernel.shape)
    for found, expected in ((of_x, expected_of_x), (of_kernel, expected_of_kernel)):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
