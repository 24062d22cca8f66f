"""ONNX files, run by onnxruntime, against JAX."""

import dataclasses
import json
import sys
from fractions import Fraction

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from arbsr_jax import Upscaler, load_model
from arbsr_jax.cli.main import main
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.model_file import Model, find_model, save_model
from arbsr_jax.models.config import CHOICES, ModelConfig, implicit, meta, scale_specific
from benchmarks.onnx_files import SCALES, OnnxFile, compare
from tests.conftest import ROOT
from tests.models.fixtures import SMALL, randomized

TOLERANCE = 1e-3 * 255  # grey levels
RCAN = ModelConfig("rcan", blocks=2, channels=16, group_blocks=2, reduction=4, interval=1)
RDN_SMALL = ModelConfig("rdn", blocks=2, channels=8, dense_layers=2, growth=4, interval=1)
CONFIGS = {
    "edsr": SMALL,
    "rcan": RCAN,
    "res_scale": dataclasses.replace(SMALL, res_scale=0.1, interval=2),
    "inverse": dataclasses.replace(SMALL, scale_input="inverse"),
    "3x3 kernels": dataclasses.replace(SMALL, kernel_size=3),
    "no mask": dataclasses.replace(SMALL, adaption="plain"),
    "bicubic": dataclasses.replace(SMALL, adaption="none", upsampler="bicubic"),
    "experts": dataclasses.replace(RCAN, adaption="experts", upsampler="experts"),
    "liif": implicit(SMALL),
    "field": dataclasses.replace(SMALL, adaption="none", upsampler="field", basis=8, hidden=16),
    "rdn": dataclasses.replace(RDN_SMALL, adaption="masked"),
    "meta": meta(RDN_SMALL),
    "x2": scale_specific(SMALL, 2),
    "x3": scale_specific(RCAN, 3),
    "x8": scale_specific(SMALL, 8),
}


@pytest.fixture(scope="module")
def tiny():
    upscaler = load_model("arbedsr-tiny", tile=0)
    return OnnxFile(upscaler.model, find_model("arbedsr-tiny")), upscaler


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", [(37, 51), (1, 3)])
def test_the_shipped_network_computes_the_same(tiny, photograph, scale, size):
    file, upscaler = tiny
    image = np.ascontiguousarray(np.tile(photograph, (2, 2, 1))[: size[0], : size[1]])
    assert compare(file, upscaler, image, Scale.of(scale))["difference"] <= TOLERANCE


VARIANTS = ("res_scale", "inverse", "no mask", "x8", "x2", "3x3 kernels")  # of kinds that are there too
LONG = ("experts", "rcan", "bicubic", "rdn")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in VARIANTS + LONG else name for name in CONFIGS]
)
def test_every_kind_of_network_computes_the_same(photograph, tmp_path, name):
    config = CONFIGS[name]
    path, model = tmp_path / "m.safetensors", Model("small", config, randomized(config), {})
    save_model(path, config, model.parameters, {})
    file, upscaler = OnnxFile(model, path), Upscaler(model, tile=0)
    for scale in [config.scale] if config.scale else ["2.5x3.5", "1.1x1.7", "753/301"]:
        found = compare(file, upscaler, photograph[:23, :31], Scale.of(scale))
        assert np.ptp(upscaler.upscale(photograph[:23, :31], scale)) > 1
        assert found["difference"] <= TOLERANCE


def test_every_choice_of_a_network_is_among_them():
    """A new backbone or upsampler must be exported, too."""
    for field, allowed in CHOICES.items():
        assert {getattr(config, field) for config in CONFIGS.values()} == set(allowed), field


def test_float16_weights_take_half_the_bytes(tiny, photograph):
    file, upscaler = tiny
    half = OnnxFile(upscaler.model, find_model("arbedsr-tiny"), half=True)
    assert len(half.content) < 0.55 * len(file.content)
    assert compare(half, upscaler, photograph, Scale.of("2.5x3.5"))["difference"] <= TOLERANCE


def test_a_file_says_what_it_is_and_how_to_call_it(tmp_path):
    assert main(["export", "arbedsr-tiny", "-o", str(tmp_path / "tiny.onnx"), "--tile", "48x32"]) == 0
    model = onnx.load(tmp_path / "tiny.onnx")
    onnx.checker.check_model(model, full_check=True)
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(said["config"])["channels"] == 32
    assert said["licence"] == "Apache-2.0"
    assert len(said["model_file_sha256"]) == 64
    assert all(name in said["call"] for name in ("lr", "rows", "columns", "p, q, origin, first, stop, length"))
    session = onnxruntime.InferenceSession(tmp_path / "tiny.onnx")
    assert session.get_inputs()[0].shape == ["n", 32, 48, 3]
    axis = np.array([*Fraction(2).as_integer_ratio(), 0, 0, 8, 8])
    feeds = {"rows": axis, "columns": axis}
    assert session.run(None, {"lr": np.zeros((1, 32, 48, 3), np.float32), **feeds})[0].shape == (1, 8, 8, 3)
    with pytest.raises(Exception, match="index: 1 Got: 31 Expected: 32"):
        session.run(None, {"lr": np.zeros((1, 31, 48, 3), np.float32), **feeds})


def test_the_caller_that_the_documents_show_runs(tmp_path, photograph, monkeypatch):
    """Tiles of a real size: three by two of them, and no seam."""
    monkeypatch.chdir(tmp_path)
    assert main(["export", "arbedsr-tiny", "-o", "tiny.onnx"]) == 0
    text = (ROOT / "docs" / "onnx.md").read_text()
    code = next(block for block in text.split("```") if "onnxruntime.InferenceSession" in block).removeprefix(
        "python\n"
    )
    assert len(code.strip().splitlines()) <= 25
    image = np.tile(photograph, (8, 9, 1))[:300, :211]
    Image.fromarray(image).save("photo.png")
    exec(code, {})
    found = np.asarray(Image.open("larger.png")).astype(int)
    expected = load_model("arbedsr-tiny", tile=0).upscale(image, (2.5, 3.5))
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1


def test_a_missing_extra_is_named(tmp_path, monkeypatch, capsys):
    parts = [name for name in sys.modules if name.startswith("arbsr_jax.to_onnx.")]
    for name in set(parts) - {"arbsr_jax.to_onnx.onnx_file"}:
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(sys.modules["arbsr_jax.to_onnx"], name.rpartition(".")[2], raising=False)
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["export", "arbedsr-tiny", "-o", str(tmp_path / "tiny.onnx")]) == 2
    assert 'pip install "onnx' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "flags", "said"),
    [
        ("m.stablehlo", ["--float16"], "are for .onnx files"),
        ("m.onnx", ["--tile", "128"], "width x height"),
        ("m.tflite", [], ".onnx (ONNX); .stablehlo (StableHLO)"),
    ],
)
def test_wrong_flags_are_one_line(tmp_path, capsys, name, flags, said):
    assert main(["export", "arbedsr-tiny", "-o", str(tmp_path / name), *flags]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("scale", ["2.5x3.5", "3", "753/301"])
def test_windows_of_field_upsampling_are_parts_of_the_whole(photograph, tmp_path, scale):
    """As a page computes them: of a tile that begins within the image, a part of its pixels."""
    session, upscaler = onnxruntime.InferenceSession(field_file(tmp_path)), Upscaler(field_model(), tile=0)
    image, scale = photograph[:40, :40].astype(np.float32), Scale.of(scale)
    whole = upscaler.upscale_unrounded(photograph[:40, :40], scale)
    axes = [
        np.array([*factor.as_integer_ratio(), 4, side // 2, side // 2 + 13, side])
        for factor, side in zip((scale.vertical, scale.horizontal), whole.shape[:2], strict=True)
    ]
    part = session.run(None, {"lr": image[None, 4:, 4:], "rows": axes[0], "columns": axes[1]})[0][0]
    inside = tuple(slice(axis[3], axis[4]) for axis in axes)
    np.testing.assert_allclose(part, whole[inside], atol=TOLERANCE)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_a_plain_network_at_one_factor_computes_the_same(photograph, tmp_path, factor):
    content = field_file(tmp_path, factor)
    session, upscaler = onnxruntime.InferenceSession(content), Upscaler(field_model(), tile=0)
    image = photograph[:23, :31]
    expected = upscaler.upscale_unrounded(image, factor)
    result = session.run(None, {"lr": image[None].astype(np.float32)})[0][0]
    np.testing.assert_allclose(result, expected, atol=TOLERANCE)
    nodes = {node.op_type for node in onnx.load_from_string(content).graph.node}
    assert not nodes & {"Gather", "MatMul", "Range", "Sin"}


def field_model():
    config = CONFIGS["field"]
    return Model("f", config, randomized(config), {})


def field_file(tmp_path, factor=0):
    model = field_model()
    save_model(tmp_path / "f.safetensors", model.config, model.parameters, {"name": "f"})
    flags = ["--scale", str(factor)] if factor else []
    assert main(["export", str(tmp_path / "f.safetensors"), "-o", str(tmp_path / "f.onnx"), *flags]) == 0
    return (tmp_path / "f.onnx").read_bytes()


def test_a_factor_is_for_field_upsampling(tmp_path, capsys):
    assert main(["export", "arbedsr-tiny", "-o", str(tmp_path / "x2.onnx"), "--scale", "2"]) == 2
    assert "arbedsr-tiny: one factor alone is for networks with field upsampling" in capsys.readouterr().err
    assert not (tmp_path / "x2.onnx").exists()


class OtherProgram:
    """What programs do with a network that they know nothing of: one array in, one out, of 0 to 1, colours first."""

    def __init__(self, path):
        self._session = onnxruntime.InferenceSession(path)
        (self._input,), (self._output,) = self._session.get_inputs(), self._session.get_outputs()
        self.kind = np.float16 if self._input.type == "tensor(float16)" else np.float32

    def __call__(self, image):
        array = (image.transpose(2, 0, 1)[None] / 255).astype(self.kind)
        (result,) = self._session.run([self._output.name], {self._input.name: array})
        assert result.dtype == self.kind
        return result[0].transpose(1, 2, 0)


def plain_file(tmp_path, config, scale, *flags):
    model = Model("m", config, randomized(config), {})
    save_model(tmp_path / "m.safetensors", config, model.parameters, {"name": "m"})
    path = tmp_path / "plain.onnx"
    words = ["export", str(tmp_path / "m.safetensors"), "--plain", "--scale", scale, "-o", str(path), *flags]
    assert main(words) == 0
    return path, Upscaler(model, tile=0)


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("field", "2"),
        ("field", "2.5x3.5"),
        ("field", "1.37"),
        pytest.param("edsr", "3", marks=pytest.mark.slow),
        ("edsr", "1.5x4"),
        pytest.param("experts", "2.5", marks=pytest.mark.slow),
        ("bicubic", "2.5x3.5"),
        ("liif", "1.5"),
        ("x2", "2"),
    ],
)
def test_programs_that_know_one_input_get_the_same_picture(photograph, tmp_path, name, scale):
    path, upscaler = plain_file(tmp_path, CONFIGS[name], scale)
    network = OtherProgram(str(path))
    for height, width in ((23, 31), (40, 17), (1, 3)):
        image = np.ascontiguousarray(photograph[:height, :width])
        expected = np.clip(upscaler.upscale_unrounded(image, scale) / 255, 0, 1)
        result = network(image)
        assert result.shape == expected.shape
        np.testing.assert_allclose(result, expected, atol=TOLERANCE / 255)
    content = onnx.load(str(path))
    assert [value.name for value in content.graph.input] == ["input"]
    assert [value.name for value in content.graph.output] == ["output"]
    assert content.opset_import[0].version <= 20


def test_float16_is_of_input_and_output_too(photograph, tmp_path):
    path, upscaler = plain_file(tmp_path, CONFIGS["field"], "2.5", "--float16")
    network = OtherProgram(str(path))
    assert network.kind is np.float16
    image = np.ascontiguousarray(photograph[:24, :24])
    expected = np.clip(upscaler.upscale_unrounded(image, "2.5") / 255, 0, 1)
    np.testing.assert_allclose(network(image), expected, atol=0.01)


def test_tiles_of_a_plain_network_are_parts_of_the_whole(photograph, tmp_path):
    """At an integer factor, away from the rim that the encoder sees."""
    path, _ = plain_file(tmp_path, CONFIGS["field"], "3")
    network, image = OtherProgram(str(path)), photograph[:40, :40]
    whole, tile = network(image), network(np.ascontiguousarray(image[8:32, 8:32]))
    np.testing.assert_allclose(tile[24:-24, 24:-24], whole[48:-48, 48:-48], atol=1e-5)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--plain"], "give --scale"),
        (["--plain", "--scale", "2", "--tile", "64x64"], "no --tile"),
        (["--scale", "2.5"], "--scale 2.5 needs --plain"),
        (["--plain", "--scale", "9"], "from 1 to 8"),
    ],
)
def test_wrong_flags_of_plain_files_are_one_line(tmp_path, capsys, flags, said):
    assert main(["export", "arbedsr-field-tiny", "-o", str(tmp_path / "m.onnx"), *flags]) == 2
    assert said in capsys.readouterr().err


def test_a_plain_file_of_one_scale_is_for_that_scale(tmp_path, capsys):
    save_model(tmp_path / "m.safetensors", CONFIGS["x2"], randomized(CONFIGS["x2"]), {})
    words = ["export", str(tmp_path / "m.safetensors"), "--plain", "--scale", "3", "-o", str(tmp_path / "m.onnx")]
    assert main(words) == 2
    assert "for scale 2 alone, not 3" in capsys.readouterr().err
