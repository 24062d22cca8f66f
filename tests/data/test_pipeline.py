import itertools
from fractions import Fraction

import numpy as np
import pytest

from arbsr_jax import ArbsrError
from arbsr_jax.data.patches import PatchMaker
from arbsr_jax.data.pipeline import batches, canvas_lengths, smallest_image
from arbsr_jax.data.schedule import scale_schedule, training_scales
from arbsr_jax.data.sources import ImageStore
from arbsr_jax.ops.geometry import Scale
from arbsr_jax.ops.resize import imresize

PATCH = 20
SCALES = [Scale.of(text) for text in ("1.1", "1.2", "1.5", "1.7", "2", "2.3", "2.5", "3", "3.1", "3.4", "3.9", "4")]
PAIRS = [Scale.of(text) for text in ("2.5x3.5", "1.5x4", "4x1.5", "1.1x2", "3.9x1.7")]


@pytest.fixture(scope="module")
def pictures():
    import skimage.data

    return [skimage.data.astronaut()[:360, :420], skimage.data.coffee()[:, :333]]


@pytest.fixture(scope="module")
def store(pictures):
    return ImageStore.of(pictures)


def stream(store, scales, steps=6, **changes):
    schedule = np.arange(steps, dtype=np.int32) % len(scales)
    settings = {"patch": PATCH, "batch": 4, "seed": 3, **changes}
    return list(batches(store, scales, schedule, **settings))


def lr_of_whole(picture, scale):
    """The picture cut to whole periods of the scale and resized as a whole."""
    (p, q), (s, t) = (factor.as_integer_ratio() for factor in (scale.vertical, scale.horizontal))
    height, width = picture.shape[0] // p * q, picture.shape[1] // s * t
    return imresize(picture[: height // q * p, : width // t * s], size=(height, width))


def occurs_in(patch, image, stride, margin):
    """Whether the patch is part of the image, to the last bit, at a multiple of the stride and off the rim."""
    rows, columns = (range(0, n - PATCH + 1, s) for n, s in zip(image.shape, stride, strict=False))
    return any(
        np.array_equal(
            patch[margin:-margin, margin:-margin], image[y : y + PATCH, x : x + PATCH][margin:-margin, margin:-margin]
        )
        for y, x in itertools.product(rows, columns)
    )


def turned(image):
    """The image in the eight ways in which flips and rotations show it."""
    for base in (image, image.transpose(1, 0, 2)):
        yield from (base, base[::-1], base[:, ::-1], base[::-1, ::-1])


@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_lr_patches_are_parts_of_the_whole_resized_image(store, pictures, scale):
    """Bit for bit, margin and all; only pictures shown the other way round may round differently."""
    make = PatchMaker(store, [scale], PATCH, seed=5)
    wholes = [lr_of_whole(picture, scale) for picture in pictures]
    stride = (scale.vertical.denominator, scale.horizontal.denominator)
    found = 0
    for sample in range(6):
        lr, hr = (image.numpy() for image in make(np.int64(sample), np.int32(0), np.int64(PATCH * 4)))
        assert hr.shape == (PATCH * 4, PATCH * 4, 3)
        found += any(occurs_in(view, whole, stride, 2) for view in turned(lr) for whole in wholes)
    assert found == 6


@pytest.mark.parametrize("scale", PAIRS, ids=str)
def test_asymmetric_patches_fit_their_hr_crops(store, scale):
    """After any flip or transpose, shrinking the HR crop gives the LR patch again, away from the rim."""
    (batch,) = stream(store, [scale], steps=1, batch=16)
    height, width = scale.output_size(PATCH, PATCH)
    for lr, hr in zip(batch.lr, batch.hr, strict=True):
        again = imresize(hr[:height, :width], size=(PATCH, PATCH))
        difference = np.abs(again.astype(int) - lr)[3:-3, 3:-3]
        assert difference.max() <= 1  # the two passes may have been rounded in the other order
        assert not hr[height:].any()
        assert not hr[:, width:].any()


def test_batches_depend_on_seed_and_step_alone(store):
    scales = SCALES[:5]
    straight = stream(store, scales)
    resumed = stream(store, scales, start=4)
    for a, b in zip(straight[4:], resumed, strict=True):
        assert a.scale_index == b.scale_index
        np.testing.assert_array_equal(a.lr, b.lr)
        np.testing.assert_array_equal(a.hr, b.hr)
    other = stream(store, scales, seed=4)
    assert any((a.lr != b.lr).any() for a, b in zip(straight, other, strict=True))


def test_two_processes_share_one_global_batch(store):
    whole = stream(store, SCALES[:3])
    parts = [stream(store, SCALES[:3], process=process, processes=2) for process in range(2)]
    for step, batch in enumerate(whole):
        together = np.concatenate([part[step].lr for part in parts])
        np.testing.assert_array_equal(together, batch.lr)


def test_patches_of_a_batch_differ(store):
    (batch,) = stream(store, [Scale.of(2)], steps=1, batch=16)
    assert len({patch.tobytes() for patch in batch.lr}) == 16


def test_the_papers_scales():
    scales = training_scales(asymmetric=False)
    assert [str(scale) for scale in (scales[0], scales[1], scales[-1])] == ["1.1", "1.2", "4"]
    assert len(scales) == 30
    assert len(training_scales(asymmetric=True)) == 900
    assert set(canvas_lengths(scales, 50)) == {100, 150, 200}


def test_the_first_epoch_has_integer_scales_alone():
    scales = training_scales(asymmetric=False)
    schedule = scale_schedule(scales, 3000, 1000, seed=0)
    early = {scales[index].vertical for index in schedule[:1000]}
    assert early == {Fraction(2), Fraction(3), Fraction(4)}
    assert len(set(schedule[1000:])) == 30
    np.testing.assert_array_equal(scale_schedule(scales, 500, 1000, seed=0), schedule[:500])


def test_a_patch_that_does_not_fit_the_scales_is_refused(store):
    with pytest.raises(ArbsrError, match=r"patch 25 times scale 1\.1"):
        smallest_image([Scale.of("1.1")], 25)
