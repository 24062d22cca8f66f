"""Teachers' pictures: which teaches what, how they are mixed with HR images, and LR patches of the mix."""

import numpy as np
import pytest
from PIL import Image

from arbsr_jax import ArbsrError
from arbsr_jax.data.patches import PatchMaker
from arbsr_jax.data.sources import training_images
from arbsr_jax.data.store import ImageStore, decode, decoded_bytes
from arbsr_jax.data.teaching import attach_teacher_targets
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.train.schedule import hr_shares
from arbsr_jax.train.settings import TeacherConfig
from tests.data.test_pipeline import PATCH, SCALES, lr_of_whole, occurs_in, turned


@pytest.fixture(scope="module")
def image():
    import skimage.data

    return skimage.data.astronaut()[:260, :300]


@pytest.fixture(scope="module")
def made(image):
    """A picture for each of x2, x3 and x4; as good as any where only arithmetic is compared."""
    return {k: imresize(imresize(image, height=260 // k, width=300 // k), height=260, width=300) for k in (2, 3, 4)}


def mix(image, picture, share):
    share = np.float32(share)
    return np.floor(share * np.float32(image) + (1 - share) * np.float32(picture) + np.float32(0.5)).astype(np.uint8)


@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_lr_patches_of_the_mix_are_parts_of_the_whole_mix_resized(image, made, scale):
    """Bit for bit, at 12 scales; the picture is that of the next of x2, x3 and x4."""
    make = PatchMaker(ImageStore.of([image], [made]), [scale], PATCH, seed=5)
    whole = mix(image, made[min(k for k in (2, 3, 4) if k >= scale.larger)], 0.3)
    lr_whole, stride = lr_of_whole(whole, scale), (scale.vertical.denominator, scale.horizontal.denominator)
    height, width = scale.output_size(PATCH, PATCH)
    for sample in range(3):
        canvas = np.int64(4 * PATCH)
        lr, hr = (part.numpy() for part in make(np.int64(sample), np.int32(0), canvas, np.float32(0.3)))
        assert any(occurs_in(view, lr_whole, stride, 2) for view in turned(lr))
        assert any(contains(whole, view) for view in turned(hr[:height, :width]))


@pytest.mark.parametrize("scale", SCALES[::4], ids=str)
def test_lr_patches_may_be_those_of_photographs(image, made, scale):
    """Then a picture is the target of an LR patch that it was not made of."""
    make = PatchMaker(ImageStore.of([image], [made]), [scale], PATCH, seed=5, lr_of_photographs=True)
    picture = made[min(k for k in (2, 3, 4) if k >= scale.larger)]
    lr_whole, stride = lr_of_whole(image, scale), (scale.vertical.denominator, scale.horizontal.denominator)
    height, width = scale.output_size(PATCH, PATCH)
    lr, hr = (part.numpy() for part in make(np.int64(0), np.int32(0), np.int64(4 * PATCH), np.float32(0)))
    assert any(occurs_in(view, lr_whole, stride, 2) for view in turned(lr))
    assert any(contains(picture, view) for view in turned(hr[:height, :width]))


def contains(whole, part):
    windows = np.lib.stride_tricks.sliding_window_view(whole[..., 0], part.shape[:2])
    return any(
        (whole[y : y + part.shape[0], x : x + part.shape[1]] == part).all()
        for y, x in np.argwhere((windows[..., 0, 0] == part[0, 0, 0]) & (windows[..., -1, -1] == part[-1, -1, 0]))
    )


@pytest.mark.parametrize(("share", "pictures"), [(1.0, True), (0.0, False)])
def test_hr_alone_serves_at_share_1_and_where_there_is_no_picture(image, made, share, pictures):
    plain = PatchMaker(ImageStore.of([image]), [Scale.of("2.5")], PATCH, seed=5)
    store = ImageStore.of([image], [made if pictures else {4: made[4]}])
    taught = PatchMaker(store, [Scale.of("2.5")], PATCH, seed=5)
    for sample in range(2):
        place = np.int64(sample), np.int32(0), np.int64(4 * PATCH)
        for ours, theirs in zip(taught(*place, np.float32(share)), plain(*place), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_x4_pictures_teach_larger_factors(image, made):
    make = PatchMaker(ImageStore.of([image], [made]), [Scale.of("5x6")], 2 * PATCH, seed=5)
    _, hr = make(np.int64(0), np.int32(0), np.int64(8 * PATCH), np.float32(0))
    height, width = Scale.of("5x6").output_size(PATCH, PATCH)
    assert any(contains(made[4], view) for view in turned(hr.numpy()[:height, :width]))


def test_the_share_changes_linearly_then_stays():
    teachers = TeacherConfig(hr_share_start=0.2, hr_share_end=0.6, hr_share_steps=4)
    np.testing.assert_allclose(hr_shares(teachers, 6), [0.2, 0.3, 0.4, 0.5, 0.6, 0.6], atol=1e-6)


@pytest.fixture
def folder(tmp_path, image, made):
    for name, pixels in {"hr/a": image, "hr/b": image[:200], "x3/a": made[3], "x4/a": made[4]}.items():
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
    return tmp_path


def test_pictures_belong_to_the_images_of_the_same_name(folder, image, made):
    images = attach_teacher_targets(training_images([str(folder / "hr")], (20, 20)), folder)
    assert [sorted(image.pictures) for image in images] == [[3, 4], []]
    assert decoded_bytes(images) == 3 * image.size + images[1].size[0] * images[1].size[1] * 3
    store = decode(images, print)
    assert (store.pictures >= 0).tolist() == [[False, True, True], [False] * 3]
    begin = store.pictures[0, 2]
    np.testing.assert_array_equal(store.pixels[begin : begin + image.size].reshape(image.shape), made[4])


def test_a_picture_of_another_size_is_refused_by_name(folder, made):
    Image.fromarray(made[4][:100]).save(folder / "x4" / "b.png")
    with pytest.raises(ArbsrError, match=r"x4/b\.png: 300x100, but its HR image .*hr/b\.png is 300x200"):
        attach_teacher_targets(training_images([str(folder / "hr")], (20, 20)), folder)


def test_a_damaged_picture_is_named_and_left_out(folder):
    damaged = folder / "x4" / "a.png"
    damaged.write_bytes(damaged.read_bytes()[:5000])
    lines = []
    store = decode(attach_teacher_targets(training_images([str(folder / "hr")], (20, 20)), folder), lines.append)
    assert len(store.sizes) == 2
    assert (store.pictures >= 0).tolist() == [[False, True, False], [False] * 3]
    assert len(lines) == 1
    assert "x4/a.png" in lines[0]


def test_a_folder_without_pictures_is_refused(folder, tmp_path):
    with pytest.raises(ArbsrError, match="has no picture of any training image"):
        attach_teacher_targets(training_images([str(folder / "hr")], (20, 20)), tmp_path / "hr")
