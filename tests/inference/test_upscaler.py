import jax
import numpy as np
import pytest
from PIL import Image

from arbsr_jax import ArbsrError, Upscaler, load_model
from arbsr_jax.inference.compiled import CompiledNetwork
from arbsr_jax.model_file import Model
from arbsr_jax.models.config import scale_specific
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
    """One encodes; one runs the heads and one decodes, for each length of padded phase tables: here up to 16."""
    upscaler = Upscaler(Model("small", SMALL, randomized(SMALL), {}))
    for scale in ("2", "1.1", "2.5x3.5", "4", "8x3.2"):
        upscaler.upscale(photograph[:20, :30], scale=scale)
    assert upscaler.programs == 3


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
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((0, 4, 3), np.uint8),
        "x",
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
    rough, real = Upscaler(model, precision="bfloat16"), CompiledNetwork.decode

    def overflowing(self, *arguments):
        result = real(self, *arguments)
        return result if self is not rough._network else result + np.inf

    monkeypatch.setattr(CompiledNetwork, "decode", overflowing)
    np.testing.assert_array_equal(rough.upscale(photograph, 2), Upscaler(model).upscale(photograph, 2))


def test_where_memory_runs_out_tiles_get_smaller(photograph, monkeypatch):
    model, real, limit = Model("small", SMALL, randomized(SMALL), {}), CompiledNetwork.encode, 64
    image = np.tile(photograph, (3, 3, 1))
    expected = Upscaler(model, tile=64).upscale(image, 2)

    def scarce(self, lr, *arguments):
        if lr.shape[1] > limit:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return real(self, lr, *arguments)

    monkeypatch.setattr(CompiledNetwork, "encode", scarce)
    np.testing.assert_array_equal(Upscaler(model).upscale(image, 2), expected)
    limit = 8
    with pytest.raises(ArbsrError, match="not even the smallest tiles"):
        Upscaler(model).upscale(image, 2)


def test_an_unknown_precision_is_refused():
    with pytest.raises(ArbsrError, match="float32, bfloat16"):
        load_model("arbedsr-tiny", precision="int8")
