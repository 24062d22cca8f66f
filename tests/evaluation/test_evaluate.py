"""`python evaluate.py`, run as a user runs it."""

import json

import numpy as np
import pytest
from PIL import Image

from arbsr_jax.model_file import DEFAULT_MODEL
from tests.conftest import real_data, run_command

SCALES = ("2", "4", "2.5x3.5")
# Least gains over bicubic in dB at x2, x4 and 2.5x3.5.
LEAST_GAINS = {"arbedsr-tiny": (3.1, 1.9, 2.3), DEFAULT_MODEL: (3.9, 2.8, 3.3)}


@pytest.fixture(scope="module", params=[DEFAULT_MODEL, pytest.param("arbedsr-tiny", marks=pytest.mark.slow)])
def set5(tmp_path_factory, request):
    """Scores of a shipped model, one row for each of SCALES; the default one need not be named."""
    folder = real_data("benchmark", "Set5")
    path = tmp_path_factory.mktemp("scores") / "set5.json"
    model = [] if request.param == DEFAULT_MODEL else ["--model", request.param]
    result = run_command("evaluate.py", "--data", folder, "--scale", *SCALES, "--json", path, *model)
    assert result.returncode == 0, result.stderr
    return result.stdout, json.loads(path.read_text())


def test_bicubic_rows_on_set5(set5):
    _, content = set5
    bicubic = [row["bicubic_psnr"] for row in content["rows"][:2]]
    np.testing.assert_allclose(bicubic, [33.67, 28.43], atol=0.01)


def test_the_shipped_model_gains_over_bicubic_on_set5(set5):
    _, content = set5
    gain = {(row["scale_h"], row["scale_v"]): row["psnr"] - row["bicubic_psnr"] for row in content["rows"]}
    least = LEAST_GAINS[content["model"]]
    for scale, at_least in zip(((2, 2), (4, 4), (2.5, 3.5)), least, strict=True):
        assert gain[scale] >= at_least


def test_the_json_file_and_the_words_on_screen(set5):
    printed, content = set5
    assert content["model"] in LEAST_GAINS
    assert content["protocol"] == "standard"
    fields = "dataset scale_h scale_v images psnr ssim bicubic_psnr bicubic_ssim seconds"
    assert set(content["rows"][2]) == set(fields.split())
    assert content["rows"][2]["dataset"] == "Set5"
    assert content["rows"][2]["images"] == 5
    assert "x2.5 horizontally, x3.5 vertically" in printed
    assert "standard" in printed


def test_one_bad_image_among_good_ones(tmp_path, photograph):
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    Image.fromarray(photograph).save(images / "good.png")
    (images / "bad.png").write_bytes(b"\x89PNG nothing more")
    result = run_command("evaluate.py", "--data", images, "--scale", "2x3", "--out", out)
    assert result.returncode == 1
    assert "bad.png" in result.stderr
    assert "Traceback" not in result.stderr
    assert "images" in result.stdout
    assert np.asarray(Image.open(out / "images" / "2x3" / "good.png")).shape == (60, 46, 3)
    assert (out / "images" / "2x3" / "good_compare.png").exists()


@pytest.mark.parametrize("scale", ["0", "-2", "nan", "2.5x", "axb", "100"])
def test_wrong_scales_are_one_line(scale, capsys):
    import evaluate

    assert evaluate.main([f"--scale={scale}"]) == 2
    assert_one_line(capsys.readouterr().err, f"scale '{scale}'")


@pytest.mark.parametrize("flag", ["--data", "--model"])
def test_missing_folders_and_models_are_one_line(flag, tmp_path, capsys):
    import evaluate

    missing = str(tmp_path / "nowhere")
    assert evaluate.main(["--scale", "2", flag, missing]) == 2
    assert_one_line(capsys.readouterr().err, missing)


def test_a_folder_without_images_is_one_line(tmp_path, capsys):
    import evaluate

    assert evaluate.main(["--scale", "2", "--data", str(tmp_path)]) == 2
    assert_one_line(capsys.readouterr().err, "no images in it")


def assert_one_line(text, named):
    lines = text.strip().splitlines()
    assert len(lines) == 1
    assert named in lines[0]
