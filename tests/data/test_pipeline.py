import itertools
from fractions import Fraction

import numpy as np
import pytest

from arbsr_jax import ArbsrError
from arbsr_jax.data.patches import PatchMaker
from arbsr_jax.data.pipeline import BatchPlan, batches, pooled_batches
from arbsr_jax.data.sources import TrainingImage
from arbsr_jax.data.store import ImageStore, Pools
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.train.schedule import scale_schedule, training_scales

PATCH = 20
SCALES = [Scale.of(text) for text in ("1.1", "1.2", "1.5", "1.7", "2", "2.3", "2.5", "3", "3.1", "3.4", "3.9", "4")]
PAIRS = [Scale.of(text) for text in ("2.5x3.5", "1.5x4", "4x1.5", "1.1x2", "3.9x1.7")]


@pytest.fixture(scope="module")
def pictures():
    import skimage.data

    return [skimage.data.astronaut()[:260, :300], skimage.data.coffee()[:280, :240]]


@pytest.fixture(scope="module")
def store(pictures):
    return ImageStore.of(pictures)


def stream(store, scales, steps=6, start=0, **changes):
    schedule = np.arange(steps, dtype=np.int32) % len(scales)
    return list(batches(store, plan_of(scales, schedule, **changes), start=start))


def plan_of(scales, schedule, **changes):
    return BatchPlan(scales, schedule, **{"patch": PATCH, "batch": 4, "seed": 3, **changes})


def lr_of_whole(picture, scale):
    """The picture cut to whole periods of the scale and resized as a whole."""
    (p, q), (s, t) = (factor.as_integer_ratio() for factor in (scale.vertical, scale.horizontal))
    height, width = picture.shape[0] // p * q, picture.shape[1] // s * t
    return imresize(picture[: height // q * p, : width // t * s], height=height, width=width)


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
        again = imresize(hr[:height, :width], height=PATCH, width=PATCH)
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


def test_the_most_detailed_of_several_crops_is_taken(store):
    """The first of them is the one taken without a choice; scales, flips and steps do not change with it."""
    scales = [Scale.of(2), Scale.of("1.5x2.5")]

    def detail(batches):
        return np.array([np.abs(np.diff(hr.astype(int), axis=1)).mean() for b in batches for hr in b.hr])

    one, five = (stream(store, scales, batch=16, candidates=count) for count in (1, 5))
    assert [b.scale_index for b in one] == [b.scale_index for b in five]
    same = [(a == b).all() for x, y in zip(one, five, strict=True) for a, b in zip(x.lr, y.lr, strict=True)]
    assert 0 < sum(same) < 0.6 * len(same)
    assert detail(five).mean() > 1.1 * detail(one).mean()
    np.testing.assert_array_equal(stream(store, scales, start=2, batch=16, candidates=5)[0].hr, five[2].hr)


def test_the_papers_scales():
    scales = training_scales(asymmetric=False)
    assert [str(scale) for scale in (scales[0], scales[1], scales[-1])] == ["1.1", "1.2", "4"]
    assert len(scales) == 30
    assert len(training_scales(asymmetric=True)) == 900
    assert set(plan_of(scales, np.zeros(0, np.int32), patch=50).canvases) == {100, 150, 200}


def test_the_first_epoch_has_integer_scales_alone():
    scales = training_scales(asymmetric=False)
    schedule = scale_schedule(scales, 3000, 1000, seed=0)
    early = {scales[index].vertical for index in schedule[:1000]}
    assert early == {Fraction(2), Fraction(3), Fraction(4)}
    assert len(set(schedule[1000:])) == 30
    np.testing.assert_array_equal(scale_schedule(scales, 500, 1000, seed=0), schedule[:500])


def test_a_share_of_the_asymmetric_batches_is_symmetric():
    scales = training_scales(asymmetric=True)
    none, half, full = (
        [scales[i] for i in scale_schedule(scales, 6000, 0, 0, symmetric_share=share)] for share in (0.0, 0.5, 1.0)
    )
    shares = [np.mean([scale.symmetric for scale in drawn]) for drawn in (none, half, full)]
    np.testing.assert_allclose(shares, [1 / 30, 0.5 + 0.5 / 30, 1], atol=0.02)
    assert len({scale.vertical for scale in full}) == 30
    others = [scale for scale in half if not scale.symmetric]
    assert len({scale.vertical for scale in others}) == len({scale.horizontal for scale in others}) == 30
    np.testing.assert_allclose(np.mean([float(scale.vertical) for scale in others]), 2.55, atol=0.05)
    shorter = scale_schedule(scales, 500, 100, 0, symmetric_share=0.5)
    np.testing.assert_array_equal(shorter, scale_schedule(scales, 6000, 100, 0, symmetric_share=0.5)[:500])


def test_a_patch_that_does_not_fit_the_scales_is_refused(store):
    with pytest.raises(ArbsrError, match=r"patch 25 times scale 1\.1"):
        _ = plan_of([Scale.of("1.1")], np.zeros(0, np.int32), patch=25).smallest_image


def test_a_batch_that_does_not_divide_among_processes_is_refused():
    with pytest.raises(ArbsrError, match="batch of 4 does not divide among 3 processes"):
        plan_of(SCALES, np.zeros(0, np.int32), processes=3)


def test_larger_factors_share_one_canvas_and_get_their_share_of_batches():
    """Above x4 LR patches are half as large, so that one more program and the same photographs serve them all."""
    scales = training_scales(asymmetric=True, largest=8.0)
    assert len(scales) == 70**2
    plan, paper = plan_of(scales, np.zeros(0, np.int32), patch=50), plan_of(scales[:1], np.zeros(0, np.int32), patch=50)
    assert set(zip(plan.patches, plan.canvases, strict=True)) == {(50, 100), (50, 150), (50, 200), (20, 200)}
    assert plan.phases == 79
    assert paper.canvases == [100]
    drawn = [scales[i] for i in scale_schedule(scales, 6000, 0, 0, symmetric_share=0.5, large_share=0.3)]
    large = [scale for scale in drawn if scale.larger > 4]
    assert len(large) / len(drawn) == pytest.approx(0.3, abs=0.02)
    for group in (large, [scale for scale in drawn if scale.larger <= 4]):
        assert np.mean([scale.symmetric for scale in group]) == pytest.approx(0.51, abs=0.04)
    early = {scales[index].vertical for index in scale_schedule(scales, 300, 300, seed=0, large_share=0.5)}
    assert early == {Fraction(2), Fraction(3), Fraction(4)}


@pytest.mark.parametrize("scale", [Scale.of("5.7"), Scale.of("8x4.2")], ids=str)
def test_lr_patches_of_larger_factors_fit_too(store, pictures, scale):
    make = PatchMaker(store, [Scale.of(2), scale], 2 * PATCH, seed=5)
    canvas = 8 * PATCH
    height, width = scale.output_size(PATCH, PATCH)
    for sample in range(4):
        lr, hr = (image.numpy() for image in make(np.int64(sample), np.int32(1), np.int64(canvas)))
        assert (lr.shape, hr.shape) == ((PATCH, PATCH, 3), (canvas, canvas, 3))
        again = imresize(hr[:height, :width], height=PATCH, width=PATCH)
        assert np.abs(again.astype(int) - lr)[3:-3, 3:-3].max() <= 1


def as_training(pictures):
    return [TrainingImage(str(i), p.shape[:2], lambda p=p: p) for i, p in enumerate(pictures)]


def test_images_that_do_not_fit_take_turns(pictures):
    """Four images, memory for two pools of one: every image comes by in each round, in an order of its own."""
    images = as_training([pictures[0], pictures[1], pictures[0][:300], pictures[1][:300]])
    largest = max(picture.size for picture in pictures)
    assert Pools(images, 10 * largest, seed=0).fits
    pools = Pools(images, 2 * largest, seed=0)
    assert not pools.fits
    assert len(pools) == 4
    rounds = [[image.name for number in range(4) for image in pools[4 * cycle + number]] for cycle in range(3)]
    assert all(sorted(names) == ["0", "1", "2", "3"] for names in rounds)
    assert len({tuple(names) for names in rounds}) > 1
    with pytest.raises(ArbsrError, match="memory_gb"):
        Pools(images, largest, seed=0)


def test_pools_are_of_one_size_to_an_image(pictures):
    """Nine images, memory for four: pools of three, not of four, four and one."""
    images = as_training([pictures[0]] * 9)
    pools = Pools(images, 8 * pictures[0].size, seed=0)
    assert [len(pools[number]) for number in range(6)] == [3] * 6
    assert sorted(image.name for number in range(3) for image in pools[number]) == [str(n) for n in range(9)]


def test_processes_share_images_that_do_not_fit(pictures):
    """Seven images: all where they fit, else three shares without overlap, each kept if it fits."""
    images = as_training([pictures[0]] * 7)
    every = sum(picture.size for picture in [pictures[0]] * 7)
    assert all(len(Pools(images, every, 0, process, 3).images) == 7 for process in range(3))
    pools = [Pools(images, every // 2, 0, process, 3) for process in range(3)]
    assert all(pool.fits for pool in pools)
    assert sorted(image.name for pool in pools for image in pool[0]) == [str(number) for number in range(7)]
    small = [Pools(images, 2 * pictures[0].size, 0, process, 3) for process in range(3)]
    assert [len(pool) for pool in small] == [3, 1, 1]  # two images fit
    with pytest.raises(ArbsrError, match="7 images cannot be shared among 9 processes"):
        Pools(images, every // 2, 0, 8, 9)


def test_batches_out_of_pools_resume_in_the_middle(pictures):
    pools = Pools(as_training(pictures), 2 * max(picture.size for picture in pictures), seed=0)
    plan = plan_of(SCALES[:2], np.zeros(9, np.int32))
    straight = list(pooled_batches(pools, plan, 2, 0, print))
    resumed = list(pooled_batches(pools, plan, 2, 5, print))
    assert (len(straight), len(resumed)) == (9, 4)
    for a, b in zip(straight[5:], resumed, strict=True):
        np.testing.assert_array_equal(a.hr, b.hr)
    assert list(pooled_batches(pools, plan, 2, 9, print)) == []
