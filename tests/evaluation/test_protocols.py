import numpy as np
import pytest

from arbsr_jax import ArbsrError
from arbsr_jax.data.benchmarks import open_dataset
from arbsr_jax.evaluation.protocols import standard
from arbsr_jax.ops.geometry import Scale
from arbsr_jax.ops.metrics import psnr_y, shave_border
from arbsr_jax.ops.resize import imresize
from tests.conftest import real_data


@pytest.mark.parametrize(
    ("scale", "lr", "hr"),
    [
        ("2", (30, 23), (60, 46)),
        ("2.5x3.5", (17, 18), (60, 45)),
        ("1.5", (40, 31), (60, 47)),
        ("4x1.1", (55, 11), (61, 44)),
    ],
)
def test_standard_rounds_lr_down_and_cuts_hr_to_it(photograph, scale, lr, hr):
    pair = standard(photograph, Scale.of(scale))
    assert pair.lr.shape == (*lr, 3)
    assert pair.hr.shape == (*hr, 3)
    np.testing.assert_array_equal(pair.hr, photograph[: hr[0], : hr[1]])
    np.testing.assert_array_equal(pair.lr, imresize(pair.hr, size=lr))


def test_too_small_an_image_is_refused(photograph):
    with pytest.raises(ArbsrError, match="47x3 pixels is too small for scale 4"):
        standard(photograph[:3], Scale.of(4))


@pytest.mark.parametrize(("scale", "expected"), [(2, 29.56), (3, 27.21), (4, 25.96)])
def test_bicubic_psnr_on_b100(scale, expected):
    dataset = open_dataset(real_data("benchmark", "B100"))
    scale = Scale.of(scale)
    values = []
    for image in dataset.images:
        pair = standard(image.load(), scale)
        values.append(psnr_y(imresize(pair.lr, size=pair.hr.shape[:2]), pair.hr, shave_border(scale)))
    assert len(values) == 100
    assert np.mean(values) == pytest.approx(expected, abs=0.01)
