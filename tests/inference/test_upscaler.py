import copy
import os
import pickle
import subprocess
import sys
import warnings
from functools import partial

import jax
import numpy as np
import pytest
from PIL import Image

from arbsr_jax import ArbsrError, Upscaler, load_model
from arbsr_jax.inference.compiled import CompiledNetwork
from arbsr_jax.model_file import Model
from arbsr_jax.models.config import scale_specific
from tests.conftest import ROOT, run_command
from tests.models.fixtures import SMALL, randomized


@pytest.fixture(scope="module")
def upscaler():
    return Upscaler(Model("small", SMALL, randomized(SMALL), {}))


def test_scale_is_horizontal_by_vertical_and_rounds_half_up(upscaler, photograph):
    result = upscaler.upscale(photograph[:21, :31], scale=(2.5, 3.5))
    assert result.shape == (74, 78, 3)  # 73.5 and 77.5
    assert result.dtype == np.uint8


def test_size_is_width_by_height_and_exact(upscaler, photograph):
    assert upscaler.upscale(photograph, size=(101, 83)).shape == (83, 101, 3)


def test_size_equals_the_scale_that_gives_it(upscaler, photograph):
    by_scale = upscaler.upscale(photograph, scale="2x3")
    np.testing.assert_array_equal(upscaler.upscale(photograph, size=(94, 183)), by_scale)


def test_programs_are_shared_between_scales(photograph):
    """One encodes; one runs the heads and one decodes, for each length of padded phase tables: here up to 64."""
    upscaler = Upscaler(Model("small", SMALL, randomized(SMALL), {}))
    for scale in ("2", "1.1", "2.5x3.5", "4", "8x3.2"):
        upscaler.upscale(photograph[:20, :30], scale=scale)
    assert len(upscaler.network.programs) == 3


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "either"),
        ({"scale": 2, "size": (90, 90)}, "either"),
        ({"scale": 9}, "from 1 to 8"),
        ({"size": (20, 90)}, "from 1 to 8"),
        ({"size": (0, 0)}, "from 1 to 8"),
    ],
)
def test_wrong_targets_are_refused(upscaler, photograph, arguments, named):
    with pytest.raises(ArbsrError, match=named):
        upscaler.upscale(photograph, **arguments)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros(4, np.uint8),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((1, 1, 4, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.int32),
        np.full((4, 4, 3), 2.0),
        np.full((4, 4, 3), np.nan),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((0, 4, 4, 3), np.uint8),
        Image.new("F", (4, 4)),
        None,
        [[1, 2], [3, 4]],
    ],
)
def test_wrong_images_are_refused(upscaler, image):
    with pytest.raises(ArbsrError, match="image is"):
        upscaler.upscale(image, scale=2)


def test_a_scale_specific_network_says_its_scale(photograph):
    config = scale_specific(SMALL, 3)
    upscaler = Upscaler(Model("edsr-x3", config, randomized(config), {}))
    assert upscaler.upscale(photograph, scale=3).shape == (183, 141, 3)
    with pytest.raises(ArbsrError, match="scale 3 alone"):
        upscaler.upscale(photograph, scale=2)


def test_pil_images_and_batches_come_back_as_they_came(upscaler, photograph):
    expected = upscaler.upscale(photograph, "2x3")
    picture = upscaler.upscale(Image.fromarray(photograph), "2x3")
    assert isinstance(picture, Image.Image)
    np.testing.assert_array_equal(np.asarray(picture), expected)
    batch = upscaler.upscale(np.stack([photograph, photograph[::-1]]), "2x3")
    np.testing.assert_array_equal(batch[0], expected)
    assert batch.shape == (2, *expected.shape)


def test_sixteen_bits_are_the_same_grey_levels(upscaler, photograph):
    deep = upscaler.upscale(photograph.astype(np.uint16) * 257, "1.7")
    assert deep.dtype == np.uint16
    exact = upscaler.upscale_unrounded(photograph, "1.7")
    np.testing.assert_allclose(deep / 257, np.clip(exact, 0, 255), atol=0.01)


def test_progress_ends_at_one(photograph):
    shares = []
    Upscaler(Model("small", SMALL, randomized(SMALL), {}), tile=50).upscale(photograph, 2, progress=shares.append)
    assert shares == sorted(shares)
    assert len(shares) > 1
    assert shares[-1] == 1


def test_bfloat16_is_close_to_float32(photograph):
    exact, rough = (load_model("arbedsr-tiny", precision=name) for name in ("float32", "bfloat16"))
    difference = exact.upscale(photograph, "2.5").astype(int) - rough.upscale(photograph, "2.5")
    assert 0 < np.abs(difference).mean() < 1


def test_an_image_that_does_not_stay_finite_in_bfloat16_is_computed_in_float32(photograph, monkeypatch):
    model = Model("small", SMALL, randomized(SMALL), {})
    exact = Upscaler(model).upscale(np.stack([photograph] * 2), 2)
    # 255 times 1e38 is beyond what the type holds, once the head has added it up.
    head = {name: leaf * 1e37 for name, leaf in model.parameters["head"].items()}
    huge = Model("small", SMALL, {**model.parameters, "head": head}, {})
    rough = Upscaler(huge, precision="bfloat16")
    rough._in_float32 = Upscaler(model)
    np.testing.assert_array_equal(rough.upscale(np.stack([photograph] * 2), 2), exact)


def test_where_memory_runs_out_tiles_get_smaller(photograph, monkeypatch):
    model, real, limit = Model("small", SMALL, randomized(SMALL), {}), CompiledNetwork.encode, 96
    image = np.tile(photograph, (3, 3, 1))
    expected = Upscaler(model, tile=0).upscale(image, 2).astype(int)

    def scarce(self, lr, *arguments):
        if lr.shape[2] * lr.shape[3] > limit**2:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return real(self, lr, *arguments)

    upscaler = Upscaler(model)
    before = upscaler.explain(image.shape[:2], 2)
    monkeypatch.setattr(CompiledNetwork, "encode", scarce)
    assert np.abs(upscaler.upscale(image, 2) - expected).max() <= 1
    assert upscaler.explain(image.shape[:2], 2) == before  # it was for that call alone
    limit = 8
    with pytest.raises(ArbsrError, match="not even the smallest tiles"):
        Upscaler(model).upscale(image, 2)


def test_settings_of_another_type_are_refused():
    """In a process of its own, whose types nobody checks."""
    settings = {"memory": "2G", "tile": "64", "precision": "float64"}
    loop = f"import arbsr_jax\nfor name, value in {settings}.items():"
    code = f"{loop}\n  try: arbsr_jax.load_model('arbedsr-tiny', **{{name: value}})"
    result = run_command("-c", f"{code}\n  except arbsr_jax.ArbsrError as error: print(error)")
    assert result.stdout.splitlines() == [
        "memory='2G' is not allowed; give a whole number, or None",
        "tile='64' is not allowed; give a whole number, or None",
        "precision 'float64' is unknown; allowed: float32, bfloat16",
    ]


def test_images_that_cannot_be_read_are_refused(upscaler, tmp_path, photograph):
    Image.fromarray(photograph).save(tmp_path / "a.png")
    closed, cut = Image.open(tmp_path / "a.png"), tmp_path / "cut.png"
    closed.close()
    cut.write_bytes((tmp_path / "a.png").read_bytes()[:300])
    with Image.open(cut) as half:
        for image in (closed, half):
            with pytest.raises(ArbsrError, match="the PIL image cannot be read"):
                upscaler.upscale(image, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = np.asmatrix(photograph[..., 0])
    with pytest.raises(ArbsrError, match="a numpy matrix"):
        upscaler.upscale(matrix, 2)


def test_an_unknown_precision_is_refused():
    with pytest.raises(ArbsrError, match="float32, bfloat16"):
        load_model("arbedsr-tiny", precision="int8")


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16", "I", "CMYK", "YCbCr", "HSV", "RGBX"])
def test_pil_modes_and_what_comes_with_them_stay(upscaler, photograph, mode):
    deep = mode in ("I;16", "I")
    pixels = photograph[..., 0].astype(np.uint16) * 257
    picture = Image.fromarray(pixels) if deep else Image.fromarray(photograph).convert(mode)
    picture = picture.convert("I") if mode == "I" else picture
    picture.info["dpi"] = (300, 300)
    large = upscaler.upscale(picture, "2x3")
    assert (large.mode, large.size) == ("RGB" if mode == "RGBX" else mode, (94, 183))
    assert large.info["dpi"] == (300, 300)
    if deep:
        assert np.asarray(large).max() > 255


@pytest.mark.parametrize(("mode", "result"), [("P", "RGB"), ("1", "L"), ("PA", "RGBA")])
def test_palettes_become_what_holds_colours_between(upscaler, photograph, mode, result):
    picture = Image.fromarray(photograph).convert("P" if mode == "PA" else mode)
    picture = picture.convert("PA") if mode == "PA" else picture
    assert upscaler.upscale(picture, 2).mode == result
    if mode == "P":
        picture.info["transparency"] = 0
        assert upscaler.upscale(picture, 2).mode == "RGBA"


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (1,), (2,), (3,), (4,)], ids=["flat", "gray", "gray-alpha", "rgb", "rgba"])
def test_arrays_of_every_kind_come_back_as_they_came(upscaler, photograph, kind, shape):
    """Values are the 8-bit picture's: within a level and a half, since means of gray and alpha are rounded."""
    channels = np.concatenate([photograph, photograph[..., :1] // 2 + 100], axis=-1)
    eight = channels[..., 0] if not shape else channels[..., [0, 3]] if shape == (2,) else channels[..., : shape[0]]
    top = np.iinfo(kind).max if np.issubdtype(kind, np.integer) else 1
    picture = (eight / 255 * top).astype(kind)
    large, expected = (upscaler.upscale(image, "2x3") for image in (picture, eight))
    assert (large.shape, large.dtype) == ((183, 94, *shape), kind)
    np.testing.assert_allclose(large.astype(float) * 255 / top, expected, atol=1.5)


def test_arrays_of_jax_and_torch_come_back_as_they_came(upscaler, photograph):
    expected = upscaler.upscale(photograph, 2)
    large = upscaler.upscale(jax.numpy.asarray(photograph), 2)
    assert isinstance(large, jax.Array)
    np.testing.assert_array_equal(large, expected)
    torch = pytest.importorskip("torch")
    tensor = (torch.from_numpy(photograph.copy()).float() / 255).requires_grad_()
    result = upscaler.upscale(tensor, 2)
    assert isinstance(result, torch.Tensor)
    np.testing.assert_allclose(result.numpy() * 255, expected, atol=0.51)


def test_paths_and_numpy_scales_are_taken(upscaler, photograph, tmp_path):
    expected = upscaler.upscale(photograph, "2.3x3")
    Image.fromarray(photograph).save(tmp_path / "x.png")
    for path in (tmp_path / "x.png", str(tmp_path / "x.png")):
        np.testing.assert_array_equal(upscaler.upscale(path, "2.3x3"), expected)
    for scale in (np.array([2.3, 3]), (np.float32(2.3), np.int64(3)), (np.float64(2.3), 3)):
        np.testing.assert_array_equal(upscaler.upscale(photograph, scale), expected)
    by_size = upscaler.upscale(photograph, size=(np.int64(108), np.uint16(183)))
    np.testing.assert_array_equal(by_size, upscaler.upscale(photograph, size=(108, 183)))
    with pytest.raises(ArbsrError, match="no such file"):
        upscaler.upscale("nowhere.png", 2)


def test_sizes_in_words_and_a_call_are_taken(upscaler, photograph):
    """47x61 pixels; a side that is left open keeps the shape, rounded half up."""
    expected = upscaler.upscale(photograph, size=(94, 122))
    for size in ("94x122", "94x", "x122"):
        np.testing.assert_array_equal(upscaler(photograph, size=size), expected)
    assert upscaler.upscale(photograph, size="100x").shape == (130, 100, 3)
    with pytest.raises(ArbsrError, match="0x9' is not understood"):
        upscaler(photograph, size="0x9")


def test_at_scale_one_a_picture_is_itself(upscaler, photograph):
    for target in ({"scale": 1}, {"size": (47, 61)}, {"scale": 1, "ensemble": True}):
        np.testing.assert_array_equal(upscaler.upscale(photograph, **target), photograph)
    deep = photograph.astype(np.uint16) * 257
    np.testing.assert_array_equal(upscaler.upscale(deep, 1), deep)


def test_it_is_named_copied_and_pickled(upscaler, photograph):
    assert repr(upscaler) == "Upscaler(small: edsr, tile by memory, float32)"
    expected = upscaler.upscale(photograph, 2)
    for other in (copy.deepcopy(upscaler), pickle.loads(pickle.dumps(upscaler))):
        np.testing.assert_array_equal(other.upscale(photograph, 2), expected)


WRONG = """
import numpy as np
from arbsr_jax import ArbsrError, load_model
upscaler, image = load_model("arbedsr-tiny"), np.zeros((40, 48, 3), np.uint8)
for target in ({"size": (96.0, 80)}, {"size": "96by80"}, {"size": 96}, {"size": (96, 80, 3)}, {"scale": object()},
               {"scale": (2, 3, 4)}, {"scale": "two"}, {"size": (96, None)}, {"scale": [2, None]}):
    try:
        upscaler.upscale(image, **target)
    except ArbsrError as error:
        assert "\\n" not in str(error)
    else:
        raise SystemExit(f"{target} was taken")
"""


def test_wrong_types_are_named_in_one_line():
    """In a process of its own: in this one, types are checked before the function is."""
    subprocess.run([sys.executable, "-c", WRONG], cwd=ROOT, check=True)


SETTINGS = {
    "JAX_ENABLE_X64": "1",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "JAX_DEBUG_NANS": "1",
    "JAX_DISABLE_JIT": "1",
    "JAX_TRANSFER_GUARD": "disallow_explicit",
    "JAX_DEFAULT_MATMUL_PRECISION": "bfloat16",
    "JAX_CHECK_TRACER_LEAKS": "1",
}
USE = """
import sys, numpy as np
from arbsr_jax import compilation, load_model
compilation.keep_programs_on_disk()
np.save(sys.argv[2], load_model("arbedsr-tiny").upscale(sys.argv[1], "2.5x3.5"))
"""


@pytest.mark.slow
def test_global_settings_of_jax_change_nothing(tmp_path, photograph):
    """All at once, through Python and through a command."""
    Image.fromarray(photograph).save(tmp_path / "x.png")
    expected = load_model("arbedsr-tiny").upscale(photograph, "2.5x3.5")
    run = partial(subprocess.run, cwd=ROOT, check=True, env=os.environ | SETTINGS)
    run([sys.executable, "-c", USE, tmp_path / "x.png", tmp_path / "x.npy"])
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), expected)
    command = ["-m", "arbsr_jax", "upscale", "--model", "arbedsr-tiny", "--scale", "2.5x3.5"]
    run([sys.executable, *command, tmp_path / "x.png", "-o", tmp_path / "y.png"])
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "y.png")), expected)


@pytest.mark.parametrize("command", ["-m arbsr_jax upscale x.png --scale 2", "-c USE x.png x.npy"])
def test_a_platform_that_is_not_there_is_named(tmp_path, command):
    environment = os.environ | {"JAX_PLATFORMS": "tpu", "PYTHONPATH": str(ROOT)}
    command = [USE if word == "USE" else word for word in command.split()]
    Image.new("RGB", (9, 9)).save(tmp_path / "x.png")
    result = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    assert "JAX_PLATFORMS=tpu" in result.stderr.strip().splitlines()[-1]
    if "-m" in command:
        assert len(result.stderr.strip().splitlines()) == 1
