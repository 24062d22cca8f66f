import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arbsr_jax.kernels.pointwise import add_bias, conv1x1, sum_over_pixels


def test_sums_over_many_pixels_equal_float64(rng):
    """150,000 values of one sign, where summing them one after another loses 1e-5."""
    x = rng.normal(3, 1, (4, 150, 250, 5)).astype(np.float32)
    np.testing.assert_allclose(sum_over_pixels(jnp.asarray(x)), x.sum((0, 1, 2), dtype=np.float64), rtol=1e-6)


def test_sums_of_bfloat16_are_made_in_single_precision():
    """Ones past 256 would be lost in bfloat16."""
    assert sum_over_pixels(jnp.ones((4, 32, 32, 3), jnp.bfloat16)).tolist() == [4096] * 3


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_gradients_keep_their_types(rng, dtype):
    """As parameters and features of a backbone in bfloat16 need it."""
    x, bias, kernel = (jnp.asarray(rng.normal(size=size), dtype) for size in ((2, 3, 4, 5), (7,), (5, 7)))
    result, back = jax.vjp(lambda x, kernel, bias: add_bias(conv1x1(x, kernel), bias), x, kernel, bias)
    assert result.dtype == dtype
    assert [gradient.dtype for gradient in back(result)] == [dtype] * 3


def test_results_and_gradients_equal_float64(rng):
    sizes = (2, 3, 4, 5), (5, 7), (7,), (2, 3, 4, 7)
    x, kernel, bias, given = (rng.normal(size=size).astype(np.float32) for size in sizes)
    result, back = jax.vjp(lambda *parts: add_bias(conv1x1(*parts[:2]), parts[2]), *map(jnp.asarray, (x, kernel, bias)))
    exact = [array.astype(np.float64) for array in (x, kernel, bias, given)]
    np.testing.assert_allclose(result, exact[0] @ exact[1] + exact[2], atol=1e-5)
    expected = exact[3] @ exact[1].T, np.einsum("bhwc,bhwf->cf", exact[0], exact[3]), exact[3].sum((0, 1, 2))
    for found, wanted in zip(back(jnp.asarray(given)), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)
