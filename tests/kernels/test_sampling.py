from functools import partial

import chex
import jax.numpy as jnp
import numpy as np
import pytest

from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.kernels.sampling import bicubic_upsample, bilinear_sample, to_canvas


def reference_bilinear(features: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Positions clamped to the image, then interpolated, one pixel at a time in float64."""
    height, width = features.shape[:2]
    result = np.zeros((*rows.shape, features.shape[2]))
    for place in np.ndindex(rows.shape):
        y, x = np.clip(rows[place], 0, height - 1), np.clip(columns[place], 0, width - 1)
        top, left = min(int(y), height - 2), min(int(x), width - 2)
        fy, fx = y - top, x - left
        upper = (1 - fx) * features[top, left] + fx * features[top, left + 1]
        lower = (1 - fx) * features[top + 1, left] + fx * features[top + 1, left + 1]
        result[place] = (1 - fy) * upper + fy * lower
    return result


def test_bilinear_sampling_equals_a_float64_loop(rng):
    features = rng.normal(size=(2, 7, 5, 3))
    whole = rng.integers(-3, 9, (11, 13)), rng.integers(-3, 9, (11, 13))
    rest = rng.uniform(-2, 2, (11, 13)), rng.uniform(-2, 2, (11, 13))
    result = bilinear_sample(
        jnp.asarray(features, jnp.float32),
        (jnp.asarray(whole[0]), jnp.asarray(rest[0], jnp.float32)),
        (jnp.asarray(whole[1]), jnp.asarray(rest[1], jnp.float32)),
        features.shape[1:3],
    )
    for image, got in zip(features, result, strict=True):
        expected = reference_bilinear(image, whole[0] + rest[0], whole[1] + rest[1])
        np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("scale", ["2", "1.7x3.3", pytest.param("4x1.1", marks=pytest.mark.slow)])
def test_bicubic_upsampling_equals_imresize(photograph, scale):
    scale = Scale.of(scale)
    height, width = 20, 30  # whole HR sizes at these scales, so that imresize has the same factors
    image = photograph[:height, :width].astype(np.float64)
    size = scale.output_size(height, width)
    result = bicubic_upsample(jnp.asarray(image, jnp.float32)[None], make_grid(scale, size), (height, width))[0]
    np.testing.assert_allclose(result, imresize(image, height=size.height, width=size.width), atol=2e-3)


def test_tables_reach_every_pixel_by_its_phases(rng):
    grid = make_grid(Scale.of("2.5x3.5"), (14, 10))
    table = rng.normal(size=(grid.rows.relative.size, grid.columns.relative.size, 2)).astype(np.float32)
    canvas = to_canvas(jnp.asarray(table), grid)
    assert canvas.shape == (14, 10, 2)
    for y, x in np.ndindex(14, 10):
        np.testing.assert_array_equal(canvas[y, x], table[y % 7, x % 5])


class SamplingVariantsTest(chex.TestCase):
    """Compiled and not, the same."""

    @chex.variants(with_jit=True, without_jit=True)
    def test_zeros_outside_pad_and_clamping_repeats_the_border(self):
        features = jnp.arange(6.0).reshape(1, 2, 3, 1)
        places = (jnp.array([[-1, 0]]), jnp.zeros((1, 2))), (jnp.array([[0, 3]]), jnp.zeros((1, 2)))
        for zeros_outside, expected in ((True, [0.0, 0.0]), (False, [0.0, 2.0])):
            sample = self.variant(partial(bilinear_sample, size=(2, 3), zeros_outside=zeros_outside))
            np.testing.assert_array_equal(sample(features, *places)[0, 0, :, 0], expected)
