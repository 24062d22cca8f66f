import numpy as np
from PIL import Image

from arbsr_jax.evaluation.panels import CAPTION, most_improved_box, nearest, save_panels
from arbsr_jax.evaluation.protocols import standard
from arbsr_jax.evaluation.scores import Scores
from arbsr_jax.evaluation.sweep import Scored
from arbsr_jax.imaging.metrics import Quality
from arbsr_jax.imaging.scale import Scale

SCORES = Scores(Quality(40.0, 0.9), Quality(30.0, 0.8), seconds=0.1)


def scored(hr_image, scale):
    pair = standard(hr_image, Scale.of(scale))
    bicubic = pair.hr.copy()
    bicubic[200:230, 300:340] = 0  # where ours, equal to HR, is far better
    return Scored("one", pair, pair.hr.copy(), bicubic, SCORES)


def astronaut():
    import skimage.data

    return skimage.data.astronaut()


def test_the_box_is_where_the_gain_is():
    rows, columns = most_improved_box(scored(astronaut(), "2"))
    assert rows.start <= 200 <= rows.stop - 30
    assert columns.start <= 300 <= columns.stop - 40


def test_pictures_are_saved_whole_and_side_by_side(tmp_path):
    example = scored(astronaut(), "2.5x3.5")
    save_panels(tmp_path, example, Scale.of("2.5x3.5"), "standard", "arbedsr-tiny")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "one.png")), example.sr)
    sheet = np.asarray(Image.open(tmp_path / "one_compare.png"))
    panels = np.array_split(sheet[CAPTION:], 4, axis=1)
    assert all(panel.std() > 1 for panel in panels)


def test_small_images_fit_in_one_box(photograph, tmp_path):
    pair = standard(photograph, Scale.of(3))
    example = Scored("small", pair, pair.hr, pair.hr, SCORES)
    save_panels(tmp_path, example, Scale.of(3), "standard", "arbedsr-tiny")
    assert (tmp_path / "small_compare.png").exists()


def test_lr_blocks_have_the_size_of_the_scale():
    lr = np.arange(6, dtype=np.uint8).reshape(2, 3, 1).repeat(3, axis=2)
    blocks = nearest(lr, Scale.of("2x3"), (6, 6))[..., 0]
    np.testing.assert_array_equal(blocks, np.kron(lr[..., 0], np.ones((3, 2))))
