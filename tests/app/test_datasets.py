import numpy as np
import pytest
from PIL import Image

from arbsr_jax import ArbsrError
from arbsr_jax.data.sources import training_images
from arbsr_jax.data.store import decode
from arbsr_jax.evaluation.datasets import open_dataset, sample_photographs
from arbsr_jax.imaging.image_files import list_images, read_rgb


@pytest.fixture
def folder(tmp_path, photograph):
    for name in ("b.png", "a.PNG", "c.webp"):
        Image.fromarray(photograph).save(tmp_path / name, format=name.split(".")[1], lossless=True)
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path


def test_images_are_listed_by_name(folder):
    assert [path.name for path in list_images(folder)] == ["a.PNG", "b.png", "c.webp"]


def test_every_mode_is_read_as_rgb(tmp_path, photograph):
    for mode in ("RGB", "L", "P", "RGBA", "1"):
        Image.fromarray(photograph).convert(mode).save(tmp_path / f"{mode}.png")
        image = read_rgb(tmp_path / f"{mode}.png")
        assert (image.shape, image.dtype) == (photograph.shape, np.uint8)


def test_missing_and_empty_folders_are_named(tmp_path):
    with pytest.raises(ArbsrError, match="no such folder"):
        list_images(tmp_path / "nowhere")
    with pytest.raises(ArbsrError, match="no images in it"):
        list_images(tmp_path)


@pytest.mark.parametrize("content", [b"", b"text", None], ids=["empty", "text", "truncated"])
def test_unreadable_images_are_named(folder, content):
    path = folder / "b.png"
    path.write_bytes(path.read_bytes()[:300] if content is None else content)
    with pytest.raises(ArbsrError, match=r"b\.png: not a readable image") as caught:
        read_rgb(path)
    assert "\n" not in str(caught.value)


def test_a_dataset_is_a_folder_or_its_hr_folder(tmp_path, photograph):
    hr = tmp_path / "Nice" / "HR"
    hr.mkdir(parents=True)
    Image.fromarray(photograph).save(hr / "one.png")
    for given in (hr.parent, hr):
        dataset = open_dataset(given)
        assert (dataset.name, [image.name for image in dataset.images]) == ("Nice", ["one"])
        np.testing.assert_array_equal(dataset.images[0].load(), photograph)


def test_sample_photographs_need_no_download():
    for image in sample_photographs().images:
        pixels = image.load()
        assert pixels.dtype == np.uint8
        assert pixels.shape[2] == 3
        assert min(pixels.shape[:2]) >= 300


def test_training_images_that_cannot_be_used_are_named_and_skipped(folder, photograph):
    (folder / "a.PNG").write_bytes(b"broken")
    Image.fromarray(photograph[:20]).save(folder / "b.png")
    Image.fromarray(photograph).save(folder / "d.png")
    (folder / "d.png").write_bytes((folder / "d.png").read_bytes()[:2000])  # the header is whole, the rest is not
    said = []
    images = training_images([str(folder)], (40, 40), said.append)
    assert [image.size for image in images] == [(61, 47), (61, 47)]
    store = decode(images, said.append)
    assert store.sizes.tolist() == [[61, 47]]
    first = int(store.offsets[0])
    np.testing.assert_array_equal(store.pixels[first : first + 61 * 47 * 3].reshape(61, 47, 3), photograph)
    assert ["a.PNG" in said[0], "b.png: 47x20; patches need 40x40" in said[1], "d.png" in said[2]] == [True] * 3
    with pytest.raises(ArbsrError, match="no usable image"):
        training_images([str(folder)], (400, 40), said.append)


@pytest.mark.parametrize("inner", ["DIV2K_train_HR", "HR"])
def test_dataset_folders_are_entered(tmp_path, photograph, inner):
    (tmp_path / inner).mkdir()
    Image.fromarray(photograph).save(tmp_path / inner / "0001.png")
    assert [image.size for image in training_images([str(tmp_path)], (1, 1))] == [(61, 47)]
