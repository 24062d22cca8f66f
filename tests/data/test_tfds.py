"""DIV2K by way of TensorFlow Datasets, out of zip files that somebody put into its manual folder."""

import io
import time
import zipfile

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from arbsr_jax import ArbsrError
from arbsr_jax.data.sources import training_images

SOURCE = "tfds:div2k/bicubic_x2"


@pytest.fixture
def manual_folder(tmp_path, monkeypatch):
    """TFDS at home in a temporary folder, as TFDS_DATA_DIR would have it."""
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    folder = tmp_path / "downloads" / "manual"
    folder.mkdir(parents=True)
    return folder


def add_zip(path, inner, images):
    with zipfile.ZipFile(path, "w") as archive:
        for name, image in images.items():
            content = io.BytesIO()
            Image.fromarray(image).save(content, "PNG")
            archive.writestr(f"{inner}/{name}.png", content.getvalue())


def add_div2k(folder, hr):
    for split in ("train", "valid"):
        lr = {f"{name}x2": image[::2, ::2] for name, image in hr.items()}
        add_zip(folder / f"DIV2K_{split}_HR.zip", f"DIV2K_{split}_HR", hr)
        add_zip(folder / f"DIV2K_{split}_LR_bicubic_X2.zip", f"DIV2K_{split}_LR_bicubic/X2", lr)


def test_hr_images_come_out_of_archives_in_the_manual_folder(manual_folder, monkeypatch, photograph):
    hr = {"0001": photograph, "0002": np.ascontiguousarray(photograph[::-1, :40])}
    add_div2k(manual_folder, hr)
    # These archives are not the published ones, so their checksums cannot be theirs.
    monkeypatch.setattr(tfds.download.DownloadManager, "_register_or_validate_checksums", lambda *a, **k: None)
    images = training_images([SOURCE], (20, 20))
    assert sorted(image.size for image in images) == sorted(image.shape[:2] for image in hr.values())
    loaded = {image.size: image.load() for image in images}
    for image in hr.values():
        np.testing.assert_array_equal(loaded[image.shape[:2]], image)


def test_archives_that_are_not_the_published_ones_are_one_line(manual_folder, photograph):
    add_div2k(manual_folder, {"0001": photograph})
    with pytest.raises(ArbsrError, match=r"tfds:div2k/bicubic_x2: .*wrong checksum") as caught:
        training_images([SOURCE], (20, 20))
    assert "\n" not in str(caught.value)


def test_missing_archives_are_told_within_seconds(manual_folder):
    """Which files, where, and from where; no server is asked for longer than that."""
    begin = time.monotonic()
    with pytest.raises(ArbsrError) as caught:
        training_images([SOURCE], (20, 20))
    assert time.monotonic() - begin < 5
    words = str(caught.value)
    assert "DIV2K_train_HR.zip" in words
    assert str(manual_folder) in words
    assert "https://data.vision.ee.ethz.ch" in words
    assert "\n" not in words


def test_an_unknown_dataset_is_one_line(manual_folder):
    with pytest.raises(ArbsrError, match="tfds:no_such_set: TFDS cannot provide it"):
        training_images(["tfds:no_such_set"], (20, 20))
