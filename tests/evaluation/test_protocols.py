import numpy as np
import pytest

from arbsr_jax import ArbsrError
from arbsr_jax.evaluation.datasets import open_dataset
from arbsr_jax.evaluation.protocols import PROTOCOLS, SWEEPS, arbsr, given_lr, metasr, standard
from arbsr_jax.imaging.metrics import crop_border, psnr_y, quality_y
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale
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
    np.testing.assert_array_equal(pair.lr, imresize(pair.hr, height=lr[0], width=lr[1]))


def test_too_small_an_image_is_refused(photograph):
    with pytest.raises(ArbsrError, match="47x3 pixels is too small for scale 4"):
        standard(photograph[:3], Scale.of(4))


def test_psnr_alone_is_that_of_quality(photograph):
    pair = standard(photograph, Scale.of("2.5x3.5"))
    sr = PROTOCOLS["standard"].enlarge(pair, Scale.of("2.5x3.5"))
    expected = quality_y(sr, pair.hr, crop_border(Scale.of("2.5x3.5"))).psnr
    assert psnr_y(sr, pair.hr, crop_border(Scale.of("2.5x3.5"))) == expected


@pytest.mark.parametrize(("scale", "expected"), [(2, 29.56), (3, 27.21), (4, 25.96)])
def test_bicubic_psnr_on_b100(scale, expected):
    dataset = open_dataset(real_data("benchmark", "B100"))
    scale = Scale.of(scale)
    values = []
    for image in dataset.images:
        pair = standard(image.load(), scale)
        values.append(psnr_y(PROTOCOLS["standard"].enlarge(pair, scale), pair.hr, crop_border(scale)))
    assert len(values) == 100
    assert np.mean(values) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("scale", "lr", "hr"),
    [
        ("2", (30, 22), (60, 44)),  # 23 columns are odd
        ("1.5", (40, 30), (60, 45)),  # a multiple of 2 is even as it is
        ("1.1", (50, 40), (55, 44)),
        ("1.05", (40, 40), (42, 42)),
        ("2.5x3.5", (16, 18), (56, 45)),
    ],
)
def test_arbsr_keeps_to_sizes_that_fit_the_scale(photograph, scale, lr, hr):
    """Sizes by hand from the authors' rules: a multiple of the step, of twice the step where that is odd."""
    pair = arbsr(photograph, Scale.of(scale))
    assert pair.lr.shape == (*lr, 3)
    assert pair.hr.shape == (*hr, 3)
    np.testing.assert_array_equal(pair.hr, photograph[: hr[0], : hr[1]])


def test_arbsr_makes_lr_before_it_cuts(photograph):
    whole = imresize(photograph[:60, :46], height=30, width=23)
    np.testing.assert_array_equal(arbsr(photograph, Scale.of(2)).lr, whole[:, :22])


def test_arbsr_refuses_factors_without_a_step(photograph):
    with pytest.raises(ArbsrError, match=r"scale 1\.37: protocol arbsr"):
        arbsr(photograph, Scale.of("1.37"))


def test_metasr_rounds_up_and_cuts_four_pixels(photograph):
    pair = metasr(photograph, Scale.of(2))
    assert pair.hr.shape == (57, 43, 3)
    assert pair.lr.shape == (29, 22, 3)
    assert metasr(photograph[:60, :46], Scale.of(2)).hr.shape == (60, 46, 3)


@pytest.mark.parametrize(("scale", "other"), [("2", "3"), ("3", "2"), ("1.5", "2"), ("4x1.5", "1.5x4"), ("8", "6")])
def test_lr_of_another_scale_is_refused(photograph, scale, other):
    image = np.tile(photograph, (3, 3, 1))
    lr = standard(image, Scale.of(scale)).lr
    pair = given_lr(lr, image, Scale.of(scale))
    assert pair.hr.shape[:2] == Scale.of(scale).output_size(*lr.shape[:2])
    with pytest.raises(ArbsrError, match="is it of this scale"):
        given_lr(lr, image, Scale.of(other))


@pytest.mark.parametrize("scale", ["1.1", "1.5", "2", "2.5x3.5", "3.95", "4x1.05"])
@pytest.mark.parametrize("protocol", [arbsr, standard])
def test_lr_of_every_protocol_fits_its_scale(photograph, scale, protocol):
    image = np.tile(photograph, (3, 3, 1))
    pair = protocol(image, Scale.of(scale))
    np.testing.assert_array_equal(given_lr(pair.lr, image, Scale.of(scale)).hr, pair.hr)


@pytest.mark.parametrize("name", ["1.50", "2.50", "3.50"])
def test_metasr_makes_the_golden_lr_files(name):
    """MATLAB's files, by an older border rule: compared 8 pixels inside."""
    folder = real_data("golden", "set5_noninteger")
    for hr in open_dataset(folder / "HR").images:
        expected = next(image for image in open_dataset(folder / f"X{name}").images if image.name.startswith(hr.name))
        lr = metasr(hr.load(), Scale.of(name)).lr.astype(int)
        assert lr.shape == expected.load().shape
        difference = np.abs(lr - expected.load())[8:-8, 8:-8]
        assert difference.max() <= 1
        assert np.mean(difference > 0) < 0.005


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "sweep", "psnr", "every"),
    [
        ("arbsr", "seen", 28.94, 1),
        ("arbsr", "unseen", 29.11, 1),
        ("standard", "seen", 29.378, 5),
        ("standard", "unseen", 29.580, 5),
    ],
)
def test_bicubic_averages_over_b100(protocol, sweep, psnr, every):
    """Table 4 of the paper, which follows `arbsr`; `standard` on every fifth image."""
    dataset, rules, values = open_dataset(real_data("benchmark", "B100")), PROTOCOLS[protocol], []
    for image in dataset.images[::every]:
        hr = image.load()
        for scale in SWEEPS[sweep]:
            pair = rules.pair(hr, scale)
            values.append(psnr_y(rules.enlarge(pair, scale), pair.hr, crop_border(scale)))
    assert len(values) == 3000 / every
    assert np.mean(values) == pytest.approx(psnr, abs=0.02 if protocol == "arbsr" else 0.002)
