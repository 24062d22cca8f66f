"""The node of ComfyUI, with stand-ins for the two modules of ComfyUI that it asks."""

import importlib.util
import sys
import types

import numpy as np
import pytest

import arbsr_jax
from arbsr_jax.cli.main import main
from tests.conftest import ROOT

torch = pytest.importorskip("torch", reason="the extra torch is not installed")


class Bar:
    """What ComfyUI shows progress by."""

    def __init__(self, total):
        self.total, self.done = total, 0
        Bar.last = self

    def update(self, steps):
        self.done += steps


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """The node's class, as ComfyUI loads a folder of custom_nodes; networks lie in models/arbsr."""
    models, folders = tmp_path_factory.mktemp("models"), {}
    paths = types.ModuleType("folder_paths")
    paths.models_dir = str(models)
    paths.add_model_folder_path = lambda name, path: folders.update({name: path})
    paths.get_filename_list = lambda name: sorted(p.name for p in (models / name).iterdir())
    paths.get_full_path_or_raise = lambda name, file: str(models / name / file)
    comfy, utils = types.ModuleType("comfy"), types.ModuleType("comfy.utils")
    comfy.utils, utils.ProgressBar = utils, Bar
    for model in ("arbedsr-field-tiny", "arbedsr-field", "arbedsr-restore"):
        assert main(["export", model, "-o", str(models / "arbsr" / f"{model}.onnx")]) == 0
    with pytest.MonkeyPatch.context() as patch:
        for module in (paths, comfy, utils):
            patch.setitem(sys.modules, module.__name__, module)
        place = ROOT / "integrations" / "comfyui"
        spec = importlib.util.spec_from_file_location(
            "node", place / "__init__.py", submodule_search_locations=[str(place)]
        )
        package = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, "node", package)
        for module in ("node.engine", "node.nodes"):  # a worker may set this fixture up twice: import them again
            patch.delitem(sys.modules, module, raising=False)
        spec.loader.exec_module(package)
        assert folders == {"arbsr": str(models / "arbsr")}
        (name,) = package.NODE_CLASS_MAPPINGS
        assert package.NODE_DISPLAY_NAME_MAPPINGS.keys() == {name}
        yield package.NODE_CLASS_MAPPINGS[name]


def tensor(*images):
    return torch.from_numpy(np.stack(images).astype(np.float32) / 255)


def pixels(result):
    (large,) = result
    assert large.dtype == torch.float32
    return np.round(255 * large.numpy()).astype(int)


def test_a_batch_gets_exactly_the_size(node, photograph):
    """61x47 pixels, two images, and a size whose factors are no short fractions."""
    flipped = np.ascontiguousarray(photograph[:, ::-1])
    large = pixels(node().upscale(tensor(photograph, flipped), "arbedsr-field-tiny.onnx", 131, 201))
    assert large.shape == (2, 201, 131, 3)
    upscaler = arbsr_jax.load_model("arbedsr-field-tiny")
    for found, image in zip(large, (photograph, flipped), strict=True):
        assert np.abs(found - upscaler.upscale(image, size=(131, 201)).astype(int)).max() <= 1
    assert Bar.last.done == Bar.last.total == 2


@pytest.mark.slow
def test_tiles_leave_no_trace(node, photograph):
    image = np.tile(photograph, (4, 5, 1))  # 244x235: four tiles
    large = pixels(node().upscale(tensor(image), "arbedsr-field-tiny.onnx", 333, 0))
    expected = arbsr_jax.load_model("arbedsr-field-tiny").upscale(image, size=(333, round(244 * 333 / 235)))
    assert large.shape[1:] == expected.shape
    assert np.abs(large[0] - expected.astype(int)).max() <= 1
    assert Bar.last.done == Bar.last.total == 4


def test_the_dial_lies_between_two_networks(node, photograph):
    flags = "arbedsr-field.onnx", 94, 122, "arbedsr-restore.onnx"
    for strength in (0, 0.5, 1):
        expected = arbsr_jax.load_model("arbedsr-restore", restore=strength).upscale(photograph, size=(94, 122))
        found = pixels(node().upscale(tensor(photograph), *flags, float(strength)))[0]
        assert np.abs(found - expected.astype(int)).max() <= 1


def test_its_inputs_are_what_the_interface_shows(node):
    inputs = node.INPUT_TYPES()
    assert inputs["required"]["model"][0] == ["arbedsr-field-tiny.onnx", "arbedsr-field.onnx", "arbedsr-restore.onnx"]
    names = [*inputs["required"], *inputs["optional"]]
    assert names == ["image", "model", "width", "height", "restoring_model", "restore"]
    assert callable(getattr(node(), node.FUNCTION))
    assert node.RETURN_TYPES == ("IMAGE",)


@pytest.mark.parametrize(
    ("width", "height", "other", "said"),
    [
        (0, 0, "none", "give a width, a height, or both"),
        (20, 0, "none", "out of reach of an image of 47x61: 47x61 to 376x488"),
        (94, 122, "arbedsr-field.onnx", "do not belong together"),
    ],
)
def test_what_cannot_be_is_said(node, photograph, width, height, other, said):
    with pytest.raises(ValueError, match=said):
        node().upscale(tensor(photograph), "arbedsr-field-tiny.onnx", width, height, other)
