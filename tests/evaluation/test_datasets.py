"""Datasets as they are found: equal names, flat images, LR files under every publisher's name."""

import json

import numpy as np
import pytest
from PIL import Image

import evaluate
from arbsr_jax import ArbsrError
from arbsr_jax.cli.main import main
from arbsr_jax.evaluation.datasets import find_lr, open_dataset, open_datasets
from arbsr_jax.imaging.image_files import read_rgb
from arbsr_jax.imaging.scale import Scale


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def test_images_of_one_name_keep_their_results_apart(tmp_path, photograph):
    for name in ("dup.png", "dup.bmp", "one.png", "one_compare.png"):
        save(tmp_path / "in" / name, photograph)
    assert [image.name for image in open_dataset(tmp_path / "in").images] == [
        "dup.bmp",
        "dup.png",
        "one",
        "one_compare.png",
    ]
    flags = ["--model", "bicubic", "--data", str(tmp_path / "in"), "--scale", "2", "--out", str(tmp_path / "out")]
    assert evaluate.main(flags) == 0
    assert len(list((tmp_path / "out" / "in" / "2").iterdir())) == 8


def test_datasets_of_one_name_are_told_apart(tmp_path, photograph):
    for place in ("a/Set5/HR", "b/Set5/HR", "c/Other"):
        save(tmp_path / place / "x.png", photograph)
    folders = [tmp_path / "a" / "Set5", tmp_path / "b" / "Set5", tmp_path / "c" / "Other"]
    assert [dataset.name for dataset in open_datasets(folders)] == ["a_Set5", "b_Set5", "Other"]
    with pytest.raises(ArbsrError, match="given twice"):
        open_datasets([folders[0], tmp_path / "a" / ".." / "a" / "Set5"])


@pytest.mark.parametrize(
    "name",
    [
        "X2.00/a.png",
        "X2/a.jpg",
        "x2/a.bmp",
        "LRbicx2/a.tif",
        "a.webp",
        "X2/ax2.png",
        "a_LRBI_x2.png",
        "LRbicx2/ax2.png",
    ],
)
def test_lr_files_are_found_under_every_publishers_name(tmp_path, photograph, name):
    path = save(tmp_path / name, photograph)
    np.testing.assert_array_equal(find_lr(tmp_path, "a", Scale.of(2)), read_rgb(path))
    with pytest.raises(ArbsrError, match=r"no LR file .* with \.png"):
        find_lr(tmp_path, "b", Scale.of(2))


def test_a_flat_image_is_counted_apart_and_json_stays_valid(tmp_path, photograph, capsys):
    save(tmp_path / "in" / "photo.png", photograph)
    save(tmp_path / "in" / "flat.png", np.full_like(photograph, 128))
    files = {kind: tmp_path / f"x.{kind}" for kind in ("json", "csv", "markdown")}
    flags = [f"--{kind}={path}" for kind, path in files.items()]
    for _ in range(2):  # the second time from the cache
        assert evaluate.main(["--model", "bicubic", "--data", str(tmp_path / "in"), "--scale", "2", "3", *flags]) == 0

    def strict(word):
        raise AssertionError(f"{word} is no JSON")

    rows = json.loads(files["json"].read_text(), parse_constant=strict)["rows"]
    assert [(row["images"], row["exact"]) for row in rows] == [(1, 1), (1, 1)]
    assert all(20 < row["psnr"] < 60 for row in rows)
    for line in (tmp_path / "x.images.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=strict)
    printed = capsys.readouterr().out
    assert "1 more equal HR exactly" in printed
    assert "inf" not in printed
    assert "nan" not in printed
    assert main(["report", str(files["json"])]) == 0


def test_flat_images_alone_give_no_mean(tmp_path, photograph, capsys):
    save(tmp_path / "in" / "flat.png", np.full_like(photograph, 128))
    assert evaluate.main(["--model", "bicubic", "--data", str(tmp_path / "in"), "--scale", "2"]) == 1
    assert "there is no mean" in capsys.readouterr().err
