"""Packages for darktable, by the rules of darktable-ai-sdk: docs/dtmodel-format.md and validate.py."""

import io
import json
import zipfile

import numpy as np
import onnx
import onnxruntime
import pytest

import arbsr_jax
from arbsr_jax.cli.main import main

REQUIRED = ("id", "name", "description", "task", "backend", "version")
ID = "upscale-arbedsr"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Written by the command, and opened as darktable does: the id is the first entry's folder."""
    path = tmp_path_factory.mktemp("darktable") / f"{ID}.dtmodel"
    assert main(["export", "arbedsr-field-tiny", "--darktable", "-o", str(path)]) == 0
    return zipfile.ZipFile(path)


def test_all_lies_in_one_folder_of_the_packages_name(package):
    assert package.testzip() is None
    names = package.namelist()
    assert {name.split("/")[0] for name in names} == {ID}
    assert {f"{ID}/{name}" for name in ("config.json", "model_x2.onnx", "model_x4.onnx")} <= set(names)


def test_the_configuration_has_what_darktable_asks_for(package):
    text = package.read(f"{ID}/config.json").decode()
    config = json.loads(text)
    assert all(isinstance(config[field], str) and config[field] for field in REQUIRED)
    assert (config["id"], config["task"], config["backend"], config["tiling"]) == (ID, "upscale", "onnx", True)
    assert config["model_card"]["license"] == "Apache-2.0"
    assert all(isinstance(value, str) for value in config["model_card"].values())
    assert config["attributes"] == {"model_x2": {"input_sizes": [512]}, "model_x4": {"input_sizes": [256]}}
    assert text.endswith("}\n")


@pytest.mark.parametrize("factor", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_its_networks_enlarge_as_the_model_does(package, photograph, factor):
    content = package.read(f"{ID}/model_x{factor}.onnx")
    shape = onnx.load(io.BytesIO(content)).graph.input[0].type.tensor_type.shape
    assert [side.dim_param for side in shape.dim[2:]] == ["height", "width"]  # darktable's default spatial_dims
    session = onnxruntime.InferenceSession(content)
    planes = np.ascontiguousarray(photograph.transpose(2, 0, 1)[None], np.float32) / 255
    result = session.run(None, {session.get_inputs()[0].name: planes})[0][0].transpose(1, 2, 0)
    expected = arbsr_jax.load_model("arbedsr-field-tiny").upscale(photograph, factor)
    assert np.abs(np.round(255 * result) - expected.astype(int)).max() <= 1


def test_a_model_that_restores_says_so_and_brings_its_notice(tmp_path):
    path = tmp_path / "upscale-restore.dtmodel"
    assert main(["export", "arbedsr-restore", "--restore", "0.5", "--darktable", "--float16", "-o", str(path)]) == 0
    with zipfile.ZipFile(path) as package:
        card = json.loads(package.read("upscale-restore/config.json"))["model_card"]
        assert "are taken away" in card["long_description"]
        assert "LIIF" in package.read("upscale-restore/NOTICE.txt").decode()


@pytest.mark.parametrize(
    ("name", "flags", "said"),
    [
        ("a.dtmodel", [], "--darktable and a file NAME.dtmodel belong together"),
        ("a.onnx", ["--darktable"], "--darktable and a file NAME.dtmodel belong together"),
        ("a.dtmodel", ["--darktable", "--scale", "2"], "leave out --scale"),
        ("a b.dtmodel", ["--darktable"], "'a b' cannot be the name"),
    ],
)
def test_wrong_names_and_flags_are_one_line(name, flags, said, tmp_path, capsys):
    assert main(["export", "arbedsr-field-tiny", *flags, "-o", str(tmp_path / name)]) == 2
    assert said in capsys.readouterr().err
