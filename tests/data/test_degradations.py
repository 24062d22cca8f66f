import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import ndimage

from arbsr_jax.data import degradations
from arbsr_jax.data.degradations import BLUR_REACH, PhotoDegradations, blur, gaussian_kernel, jpeg
from arbsr_jax.data.pipeline import BatchPlan, batches
from arbsr_jax.data.store import ImageStore
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.train.schedule import CLEANING, scale_schedule, training_scales

SEED = 3


@pytest.fixture(scope="module")
def picture():
    import skimage.data

    return skimage.data.astronaut()[:300, :280]


def by_pillow(image, quality, subsampling):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("quality", [30, 31, 50, 75, 94, 95])
@pytest.mark.parametrize(("full_chroma", "subsampling"), [(False, 2), (True, 0)])
def test_jpeg_files_are_pillows_to_the_last_bit(picture, quality, full_chroma, subsampling):
    patch = picture[:61, :50]
    ours = jpeg(tf.constant(patch), tf.constant(quality), full_chroma).numpy()
    np.testing.assert_array_equal(ours, by_pillow(patch, quality, subsampling))


def test_a_shift_moves_the_grid_of_jpeg_blocks(picture):
    patch = picture[:48, :48]
    mirrored = np.pad(patch, [(5, 0), (11, 0), (0, 0)], mode="symmetric")
    ours = jpeg(tf.constant(patch), tf.constant(40), shift=(5, 11)).numpy()
    np.testing.assert_array_equal(ours, by_pillow(mirrored, 40, 2)[5:, 11:])


@pytest.mark.parametrize(("sigma", "angle"), [((1.2, 1.2), 0.0), ((0.3, 2.0), 0.7), ((2.0, 0.6), 2.5)])
def test_blur_is_a_convolution_with_a_gaussian(picture, sigma, angle):
    kernel = gaussian_kernel(tf.constant(sigma), angle).numpy().astype(np.float64)
    assert kernel.sum() == pytest.approx(1, abs=1e-6)
    rows, columns = np.mgrid[-BLUR_REACH : BLUR_REACH + 1, -BLUR_REACH : BLUR_REACH + 1]
    if sigma[0] > 1:  # narrower ones are sampled too coarsely for their moments
        axis = np.array([np.cos(angle), np.sin(angle)])
        variance = (kernel * (rows * axis[0] + columns * axis[1]) ** 2).sum()
        assert variance == pytest.approx(sigma[0] ** 2, rel=0.03)
    crop = picture[:70, :90].astype(np.float64)
    expected = ndimage.convolve(crop, kernel[:, :, None])[BLUR_REACH:-BLUR_REACH, BLUR_REACH:-BLUR_REACH]
    ours = blur(tf.constant(picture[:70, :90]), tf.constant(kernel, tf.float32)).numpy()
    assert np.abs(ours - expected).max() <= 0.51


def test_a_third_of_the_pairs_stays_clean_and_the_others_differ(picture):
    make = PhotoDegradations(SEED)
    crop, lr = tf.constant(picture[:80, :80]), tf.constant(picture[:40, :40])
    inner = crop[BLUR_REACH:-BLUR_REACH, BLUR_REACH:-BLUR_REACH].numpy()
    of_hr, of_lr = (tf.function(one, autograph=False) for one in (make.of_hr, make.of_lr))
    numbers = [tf.constant(number, tf.int64) for number in range(300)]
    changed = [
        (not np.array_equal(of_hr(crop, number), inner), not np.array_equal(of_lr(lr, number), lr))
        for number in numbers
    ]
    # Of those that are not clean, this share is left alone by chance.
    alone = (1 - degradations.NOISE_SHARE) * (1 - degradations.JPEG_SHARE)
    alone *= (1 - degradations.BLUR_SHARE) * (1 - degradations.LARGE_JPEG_SHARE)
    expected = 1 / 3 + 2 / 3 * alone
    assert np.mean([not any(pair) for pair in changed]) == pytest.approx(expected, abs=0.09)
    assert set(changed) == {(a, b) for a in (True, False) for b in (True, False)}


def test_noise_has_its_sigma_and_colours(monkeypatch):
    monkeypatch.setattr(degradations, "CLEAN_SHARE", 0.0)
    monkeypatch.setattr(degradations, "NOISE_SHARE", 1.0)
    monkeypatch.setattr(degradations, "JPEG_SHARE", 0.0)
    monkeypatch.setattr(degradations, "NOISE_SIGMA", (8.0, 8.0))
    flat = np.full((100, 100, 3), 128, np.uint8)
    kinds = set()
    for number in range(12):
        noise = PhotoDegradations(SEED).of_lr(tf.constant(flat), tf.constant(number, tf.int64)).numpy() - 128.0
        assert noise.std() == pytest.approx(8, rel=0.05)  # at middle gray, of either law
        assert noise.mean() == pytest.approx(0, abs=0.5)
        kinds.add(bool((noise == noise[..., :1]).all()))
    assert kinds == {True, False}  # gray and in colour


def test_shot_noise_grows_with_the_square_root_of_light(monkeypatch):
    for name, value in {"CLEAN_SHARE": 0.0, "NOISE_SHARE": 1.0, "JPEG_SHARE": 0.0, "SHOT_SHARE": 1.0}.items():
        monkeypatch.setattr(degradations, name, value)
    monkeypatch.setattr(degradations, "NOISE_SIGMA", (8.0, 8.0))
    halves = np.concatenate([np.full((100, 100, 3), light, np.uint8) for light in (50, 200)])
    noise = PhotoDegradations(SEED).of_lr(tf.constant(halves), tf.constant(1, tf.int64)).numpy() - halves.astype(float)
    assert noise[100:].std() / noise[:100].std() == pytest.approx(2, rel=0.05)


def test_degraded_pairs_depend_on_their_number_alone_and_targets_stay_clean(picture):
    scales = [Scale.of("2"), Scale.of("1.5x2.5"), CLEANING]
    plan = BatchPlan(scales, np.arange(6, dtype=np.int32) % 3, patch=20, batch=4, seed=SEED, degraded=True)
    store = ImageStore.of([picture])
    straight, resumed = list(batches(store, plan)), list(batches(store, plan, start=4))
    for a, b in zip(straight[4:], resumed, strict=True):
        np.testing.assert_array_equal(a.lr, b.lr)
        np.testing.assert_array_equal(a.hr, b.hr)
    views = np.lib.stride_tricks.sliding_window_view(picture, (40, 40, 3))[:, :, 0].reshape(-1, 40 * 40 * 3)
    known = {view.tobytes() for view in views}
    for hr in straight[0].hr:  # at factor 2: every target is a part of the picture, whichever way round
        shown = [np.rot90(view[:40, :40], turns) for view in (hr, hr[:40][::-1]) for turns in range(4)]
        assert any(view.tobytes() in known for view in shown)


def test_cleaning_takes_its_share_and_leaves_the_other_steps_alone():
    scales = training_scales(asymmetric=True)
    before = scale_schedule(scales, 2000, 0, 0, symmetric_share=0.5)
    after = scale_schedule([*scales, CLEANING], 2000, 0, 0, symmetric_share=0.5, cleaning_share=0.2)
    cleaning = after == len(scales)
    assert cleaning.mean() == pytest.approx(0.2, abs=0.03)
    np.testing.assert_array_equal(after[~cleaning], before[~cleaning])
