"""`python evaluate.py`, run as a user runs it."""

import json

import numpy as np
import pytest
from PIL import Image

from arbsr_jax import load_model
from arbsr_jax.cli.main import main
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.model_file import save_model
from arbsr_jax.models.config import DEFAULT_MODEL, scale_specific
from tests.conftest import real_data, run_command
from tests.models.fixtures import SMALL, randomized

SCALES = ("2", "4", "2.5x3.5")
# Least gains over bicubic in dB at x2, x4 and 2.5x3.5.
LEAST_GAINS = {"arbedsr-tiny": (3.3, 2.2, 2.5), DEFAULT_MODEL: (4.0, 3.2, 3.6)}


@pytest.fixture(scope="module", params=["arbedsr-tiny", DEFAULT_MODEL])
def set5(tmp_path_factory, request):
    """Scores of a shipped model, one row for each of SCALES; the default one need not be named."""
    folder = real_data("benchmark", "Set5")
    path = tmp_path_factory.mktemp("scores") / "set5.json"
    model = [] if request.param == DEFAULT_MODEL else ["--model", request.param]
    result = run_command("evaluate.py", "--data", folder, "--scale", *SCALES, "--json", path, *model)
    assert result.returncode == 0, result.stderr
    return result.stdout, json.loads(path.read_text())


@pytest.mark.slow
def test_bicubic_rows_on_set5(set5):
    _, content = set5
    bicubic = [row["bicubic_psnr"] for row in content["rows"][:2]]
    np.testing.assert_allclose(bicubic, [33.67, 28.43], atol=0.01)


@pytest.mark.slow
def test_the_shipped_model_gains_over_bicubic_on_set5(set5):
    _, content = set5
    gain = {(row["scale_h"], row["scale_v"]): row["psnr"] - row["bicubic_psnr"] for row in content["rows"]}
    least = LEAST_GAINS[content["model"]]
    for scale, at_least in zip(((2, 2), (4, 4), (2.5, 3.5)), least, strict=True):
        assert gain[scale] >= at_least


@pytest.mark.slow
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


def test_one_bad_image_among_good_ones(model, tmp_path, photograph):
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    Image.fromarray(photograph).save(images / "good.png")
    (images / "bad.png").write_bytes(b"\x89PNG nothing more")
    result = run_command("evaluate.py", "--model", model, "--data", images, "--scale", "2x3", "--out", out)
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


def test_a_network_for_one_scale_serves_others_by_resizing_after_it(tmp_path, photograph, capsys):
    """The saved pictures are the network's own, resized to HR's size by `imresize`."""
    path, folder, out = tmp_path / "x2.safetensors", tmp_path / "photos", tmp_path / "out"
    save_model(path, scale_specific(SMALL, 2), randomized(scale_specific(SMALL, 2)), {"name": "fixed"})
    folder.mkdir()
    hr = photograph[:60, :45]
    Image.fromarray(hr).save(folder / "a.png")
    flags = ["evaluate", "--data", str(folder), "--resize-after", "--model"]
    assert main([*flags, str(path), "--scale", "1.5", "2.5x3", "--out", str(out)]) == 0
    assert "fixed, resized after" in capsys.readouterr().out
    network = load_model(path)
    for scale, (height, width) in {"1.5": (60, 45), "2.5x3": (60, 45)}.items():
        vertical, horizontal = Scale.of(scale).vertical, Scale.of(scale).horizontal
        lr = imresize(hr, height=int(60 / vertical), width=int(45 / horizontal))
        expected = imresize(network.upscale(lr, 2), height=height, width=width)
        np.testing.assert_array_equal(np.asarray(Image.open(out / "photos" / scale / "a.png")), expected)
    assert main([*flags, "arbedsr-tiny", "--scale", "2"]) == 2
    assert "--resize-after: arbedsr-tiny is a network for every scale" in capsys.readouterr().err


def test_a_dataset_is_found_by_its_other_name(tmp_path, photograph):
    (tmp_path / "B100").mkdir()
    Image.fromarray(photograph).save(tmp_path / "B100" / "a.png")
    assert main(["evaluate", "--model", "bicubic", "--scale", "2", "--data", str(tmp_path / "BSD100")]) == 0
