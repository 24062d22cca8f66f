import json

import numpy as np
import pytest
import skimage.data

import arbsr_jax
from arbsr_jax import ArbsrError
from arbsr_jax.app.photo import Photo
from arbsr_jax.app.writing import write_photo
from arbsr_jax.cli.main import main
from arbsr_jax.dial import Dial
from arbsr_jax.evaluation.degraded import compressed
from arbsr_jax.evaluation.protocols import PROTOCOLS
from arbsr_jax.imaging.image_files import read_rgb
from arbsr_jax.imaging.metrics import crop_border, quality_y
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.loading import AutoRestoring
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.model_file import read_model_file, save_model
from arbsr_jax.models.config import DEFAULT_RESTORING
from arbsr_jax.models.parameters import flatten_parameters
from tests.conftest import real_data
from tests.models.fixtures import SMALL, randomized

CLEANING = {"data": {"cleaning_share": 0.1}}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A clean network, and one that restores in its stead."""
    folder = tmp_path_factory.mktemp("models")
    clean, restoring = folder / "clean.safetensors", folder / "restoring.safetensors"
    save_model(clean, SMALL, randomized(SMALL, 1), {})
    save_model(restoring, SMALL, randomized(SMALL, 2), {"restores": str(clean), "config": CLEANING})
    return clean, restoring


@pytest.fixture(scope="module")
def picture():
    return np.ascontiguousarray(skimage.data.astronaut()[:200, 100:260])


def test_the_ends_are_the_networks_themselves_and_the_middle_their_mean(files):
    dial = Dial.of(files[1])
    ends = [flatten_parameters(read_model_file(file).parameters) for file in files]
    for strength, end in zip((0.0, 1.0), ends, strict=True):
        at = flatten_parameters(dial.at(strength).parameters)
        assert all(np.array_equal(at[path], leaf) for path, leaf in end.items())
    middle = dial.at(0.25)
    for path, leaf in flatten_parameters(middle.parameters).items():
        np.testing.assert_allclose(leaf, 0.75 * ends[0][path] + 0.25 * ends[1][path], rtol=1e-6, atol=1e-7)
        assert leaf.dtype == np.float32
    assert middle.name == "restoring-0.25"
    assert middle.digest not in (dial.clean.digest, dial.restoring.digest)


def test_python_takes_a_strength(files, picture):
    clean, restoring = (arbsr_jax.load_model(file).upscale(picture, 2) for file in files)
    of = {strength: arbsr_jax.load_model(files[1], restore=strength).upscale(picture, 2) for strength in (0, 0.5, 1)}
    np.testing.assert_array_equal(of[0], clean)
    np.testing.assert_array_equal(of[1], restoring)
    assert (of[0.5] != clean).any()


def test_at_scale_1_only_a_network_that_cleans_changes_a_picture(files, picture):
    np.testing.assert_array_equal(arbsr_jax.load_model(files[1], restore=0).upscale(picture, 1), picture)
    cleaned = arbsr_jax.load_model(files[1])
    result = cleaned.upscale(picture, 1)
    assert result.shape == picture.shape
    assert (result != picture).any()
    assert "stays as it is" not in cleaned.explain(picture.shape[:2], 1)


def test_what_has_no_dial_is_refused(files, tmp_path):
    with pytest.raises(ArbsrError, match="has no network that restores"):
        arbsr_jax.load_model(files[0], restore=0.5)
    with pytest.raises(ArbsrError, match=r"restore=1\.5 is not allowed; give a strength from 0"):
        Dial.of(files[1]).at(1.5)
    other = tmp_path / "other.safetensors"
    save_model(other, SMALL, randomized(SMALL), {"restores": "arbedsr-tiny"})
    with pytest.raises(ArbsrError, match="different networks"):
        Dial.of(other)


def test_another_model_takes_the_place_of_the_first_also_in_float32(files, picture):
    clean, restoring = map(read_model_file, files)
    upscaler = Upscaler(clean)
    assert upscaler._in_float32.model is clean
    upscaler.replace_model(restoring)
    assert upscaler._in_float32.model is restoring
    np.testing.assert_array_equal(upscaler.upscale(picture, 2), Upscaler(restoring).upscale(picture, 2))


def test_each_picture_turns_the_dial(files, picture, tmp_path, capsys):
    damaged = compressed(picture, 40.0)
    auto = AutoRestoring(files[1])
    assert [auto.strength_of(pixels) for pixels in (picture, damaged, damaged.astype(np.uint16) * 257)] == [0, 1, 1]
    assert auto.strength_of(picture[..., :1]) == 0
    for name, pixels in {"a-clean": picture, "b-damaged": damaged}.items():
        write_photo(tmp_path / f"{name}.png", Photo(pixels))
    report = tmp_path / "report.json"
    words = ["upscale", str(tmp_path / "*.png"), "-o", str(tmp_path / "large"), "--scale", "2", "--json", str(report)]
    assert main([*words, "--model", str(files[1]), "--restore", "auto"]) == 0
    assert [entry["restore"] for entry in json.loads(report.read_text())] == [0, 1]
    assert "restore 1" in capsys.readouterr().out
    for name, pixels, file in (("a-clean", picture, files[0]), ("b-damaged", damaged, files[1])):
        expected = arbsr_jax.load_model(file).upscale(pixels, 2)
        np.testing.assert_array_equal(read_rgb(tmp_path / "large" / f"{name}.png"), expected)


def test_evaluate_sets_the_dial(files, picture, tmp_path, capsys):
    (tmp_path / "hr").mkdir()
    write_photo(tmp_path / "hr" / "one.png", Photo(picture))
    words = ["evaluate", "--data", str(tmp_path / "hr"), "--scale", "2", "--protocol", "jpeg40", "--model"]
    scores = {}
    for restore in ("0", "1", "auto"):
        report = tmp_path / f"{restore}.json"
        assert main([*words, str(files[1]), "--restore", restore, "--json", str(report)]) == 0
        scores[restore] = json.loads(report.read_text())["rows"][0]["psnr"]
    assert scores["auto"] == scores["1"] != scores["0"]


@pytest.mark.parametrize("command", [["upscale", "a.png", "--scale", "2"], ["evaluate", "--scale", "2"]])
@pytest.mark.parametrize("text", ["2", "-0.1", "nan", "much"])
def test_wrong_strengths_are_named(command, text, capsys):
    assert main([*command, f"--restore={text}"]) == 2
    assert f"--restore {text} is not understood; give 0 to 1, or auto" in capsys.readouterr().err


def test_the_shipped_dial_begins_with_the_shipped_clean_network():
    dial = Dial.of(DEFAULT_RESTORING)
    assert dial.at(0).digest == read_model_file("arbedsr-field").digest
    assert dial.at(1).digest == read_model_file(DEFAULT_RESTORING).digest
    assert Dial.of("arbedsr-field").at(1).digest == dial.at(1).digest
    assert dial.restoring.cleans
    assert not dial.clean.cleans


@pytest.mark.parametrize(("protocol", "gain"), [("jpeg40", 0.3), ("noise10", 1.0)])
@pytest.mark.slow
def test_the_shipped_dial_restores(protocol, gain):
    """Every twentieth image of B100 at x4: over bicubic, and over the clean network."""
    files = sorted(real_data("benchmark", "B100", "HR").iterdir())[::20]
    scale, scores = Scale.of(4), []
    methods = [arbsr_jax.load_model(DEFAULT_RESTORING, restore=strength) for strength in (0, 1)]
    for file in files:
        pair = PROTOCOLS[protocol].pair(read_rgb(file), scale)
        made = [PROTOCOLS[protocol].enlarge(pair, scale)]
        made += [method.upscale(pair.lr, size=pair.hr.shape[1::-1]) for method in methods]
        scores.append([quality_y(picture, pair.hr, crop_border(scale)).psnr for picture in made])
    bicubic, clean, restored = np.mean(scores, axis=0)
    assert restored > bicubic + gain
    assert restored > clean + gain
