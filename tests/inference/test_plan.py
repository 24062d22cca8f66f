"""Tiles and windows: their geometry, and that nothing of them is seen in the result."""

import dataclasses

import numpy as np
import pytest

from arbsr_jax import ArbsrError, Upscaler, load_model
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.plan import OVERLAP, SIDES, WINDOW, WholeImages, needed_bytes, tile_side, tile_spans, windows
from arbsr_jax.model_file import Model
from arbsr_jax.models.config import EDSR, EDSR_TINY, ModelConfig, scale_specific
from tests.models.fixtures import SMALL, randomized

RCAN = ModelConfig("rcan", blocks=1, channels=8, group_blocks=1, reduction=4, interval=1)
SCALES = ("1.5", "2", "3.3", "4", "2.5x3.5", "4x1.1")


def scene(height, width):
    import skimage.data

    return np.ascontiguousarray(skimage.data.astronaut()[100 : 100 + height, 60 : 60 + width])


@pytest.mark.parametrize("length", [1, 63, 64, 65, 79, 80, 200, 511, 1280])
def test_cores_cover_an_axis_and_lie_deep_in_their_tiles(length):
    found = tile_spans(length, 64)
    assert [span.first for span in found] == [0, *(span.stop for span in found[:-1])]
    assert found[-1].stop == length
    for span in found:
        assert span.origin % 2 == 0
        assert span.origin + span.valid <= length
        assert span.first - span.origin >= OVERLAP - 1 or span.origin == 0
        assert span.origin + span.valid - span.stop >= OVERLAP - 1 or span.origin + span.valid == length


@pytest.mark.parametrize("scale", ["1", "1.07", "2.5", "237/100", "8"])
@pytest.mark.parametrize("length", [3, 130, 700])
def test_windows_cover_the_hr_axis_once_with_a_ring(scale, length):
    scale = Scale.of(scale)
    hr_length = scale.output_size(length, length)[0]
    spans = tile_spans(length, 64)
    found = [w for span in spans for w in windows(span, scale.vertical, length, hr_length, WINDOW)]
    assert [window.first for window in found] == [0, *(window.stop for window in found[:-1])]
    assert found[-1].stop == hr_length
    for window in found:
        assert window.start < window.first or window.first == 0
        assert window.stop < window.start + WINDOW or window.stop == hr_length


@pytest.fixture(scope="module")
def tiny():
    """The shipped network whole, in tiles of one small side, and as it chooses itself."""
    return load_model("arbedsr-tiny", tile=0), load_model("arbedsr-tiny", tile=64), load_model("arbedsr-tiny")


@pytest.mark.parametrize("scale", SCALES)
def test_tiles_equal_the_whole_to_a_grey_level(tiny, scale):
    """An odd-sized image: 3 x 2 tiles of 64 with cores of 16 to 40, or one padded tile."""
    whole, tiles, automatic = tiny
    image = scene(101, 75)
    expected = whole.upscale(image, scale).astype(int)
    assert np.abs(tiles.upscale(image, scale) - expected).max() <= 1
    assert np.abs(automatic.upscale(image, scale) - expected).max() <= 1


@pytest.mark.parametrize(
    "config", [SMALL, RCAN, scale_specific(SMALL, 4), ModelConfig("edsr", 2, 8, upsampler="bicubic", adaption="plain")]
)
@pytest.mark.parametrize("size", [(37, 50), (1, 3), (64, 64)])
def test_an_image_in_the_corner_of_a_tile_is_like_one_alone(config, size):
    """Padding must not leak in, whatever the layers do there: masks, pooling, sampling, mirrored borders, tail."""
    model = Model("small", config, randomized(config), {})
    image, scale = scene(*size), config.scale or "2.5x3.5"
    expected = Upscaler(model, tile=0).upscale(image, scale).astype(int)
    assert np.ptp(expected) > 1
    assert np.abs(Upscaler(model, tile=64).upscale(image, scale) - expected).max() <= 1


def test_scale_specific_networks_are_tiled_too():
    config = scale_specific(SMALL, 3)
    model = Model("small", config, randomized(config), {})
    image = scene(90, 131)
    expected = Upscaler(model, tile=0).upscale(image, 3).astype(int)
    assert np.abs(Upscaler(model, tile=64).upscale(image, 3) - expected).max() <= 1


def test_fifty_sizes_at_five_scales_need_few_programs(rng):
    upscaler = Upscaler(Model("small", SMALL, randomized(SMALL), {}))
    for _ in range(50):
        image = scene(*rng.integers(20, 300, 2))
        upscaler.upscale(image, SCALES[rng.integers(5)])
    assert upscaler.programs <= 12


@pytest.mark.parametrize("memory", [2**27, 2**29, 2**31])
def test_memory_bounds_the_tile(memory):
    side = tile_side(2000, 3000, EDSR_TINY, memory)
    assert side in SIDES
    assert needed_bytes(side, EDSR_TINY) <= memory


def test_rcan_sees_an_image_as_a_whole_where_memory_allows():
    """Its averages are then those of the image; 300 x 200 pixels would else be cut into smaller tiles."""
    assert tile_side(200, 300, RCAN, 2**31) == 512
    assert tile_side(200, 300, RCAN, needed_bytes(256, RCAN)) < 300
    model, image = Model("small", RCAN, randomized(RCAN), {}), scene(70, 90)
    expected = Upscaler(model, tile=0).upscale(image, "2.5").astype(int)
    assert np.abs(Upscaler(model).upscale(image, "2.5") - expected).max() <= 1


@pytest.mark.parametrize("length", [1, 47, 48, 49, 64])
def test_a_whole_image_of_any_size_is_one_tile(length):
    scale = Scale.of("2.5")
    (tile,) = WholeImages().plan((length, 50), scale.output_size(length, 50), scale, SMALL).tiles()
    assert tile.spans[0] == (0, length, 0, length)
    assert tile.windows[0][0] == (0, 0, scale.output_size(length, 50).height)


def test_too_little_memory_and_too_small_tiles_are_refused():
    with pytest.raises(ArbsrError, match="allow at least"):
        tile_side(100, 100, EDSR, 2**20)
    with pytest.raises(ArbsrError, match="tiles of 48 pixels"):
        Upscaler(Model("small", SMALL, randomized(SMALL), {}), tile=48)


@pytest.mark.parametrize("config", [EDSR_TINY, dataclasses.replace(EDSR, blocks=2)], ids=["32 channels", "256"])
def test_what_a_tile_needs_is_bounded_by_what_is_said(config):
    """XLA's own count of temporary bytes and results of every program."""
    model = Model("random", config, randomized(config), {})
    for side in SIDES[:2]:
        upscaler = Upscaler(model, tile=side)
        upscaler.upscale(scene(70, 80), "2.37")
        used = [program.memory_analysis() for program in upscaler.compiled]
        total = sum(used.temp_size_in_bytes + used.output_size_in_bytes for used in used)
        assert total <= needed_bytes(side, config), side
