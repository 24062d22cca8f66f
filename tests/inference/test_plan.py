"""Tiles and windows: their geometry, and that nothing of them is seen in the result."""

import dataclasses

import numpy as np
import pytest

from arbsr_jax import ArbsrError, Upscaler, load_model
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.arguments import resolve_target
from arbsr_jax.inference.limits import Limits
from arbsr_jax.inference.plan import OVERLAP, hr_cores, split_side, tile_spans, window_side, windows
from arbsr_jax.inference.shapes import ProgramShapes
from arbsr_jax.inference.tiling import FixedTiles, TilesWithin, WholeImages, tiling_of
from arbsr_jax.model_file import Model
from arbsr_jax.models.config import EDSR, EDSR_BASELINE, EDSR_TINY, ModelConfig, scale_specific
from arbsr_jax.models.config import RCAN as FULL_RCAN
from tests.models.fixtures import SMALL, randomized

RCAN = ModelConfig("rcan", blocks=1, channels=8, group_blocks=1, reduction=4, interval=1)
FIELD = dataclasses.replace(EDSR_TINY, blocks=2, upsampler="field", adaption="none")
SCALES = ("1.5", "2", "3.3", "4", "2.5x3.5", "4x1.1")
QUICK = ("2", "2.5x3.5")
EVERY_SCALE = [scale if scale in QUICK else pytest.param(scale, marks=pytest.mark.slow) for scale in SCALES]


def scene(height, width):
    import skimage.data

    return np.ascontiguousarray(skimage.data.astronaut()[100 : 100 + height, 60 : 60 + width])


def check_spans(length, side, found):
    assert [span.first for span in found] == [0, *(span.stop for span in found[:-1])]
    assert found[-1].stop == length
    for span in found:
        assert span.first < span.stop
        assert span.origin % 2 == 0
        assert span.origin + span.valid <= length
        assert span.valid <= side
        assert span.first - span.origin >= OVERLAP - 1 or span.origin == 0
        assert span.origin + span.valid - span.stop >= OVERLAP - 1 or span.origin + span.valid == length


@pytest.mark.parametrize("side", [50, 64, 130, 512])
def test_cores_cover_an_axis_and_lie_deep_in_their_tiles(side, rng):
    for length in [*range(1, 300), *rng.integers(300, 6000, 50).tolist()]:
        check_spans(length, side, tile_spans(length, side))


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_tiles_of_the_least_side_have_cores_of_one_length(count, rng):
    for length in rng.integers(500, 6000, 50).tolist():
        side = split_side(length, count)
        found = tile_spans(length, side)
        check_spans(length, side, found)
        cores = [span.stop - span.first for span in found]
        assert len(found) == count
        assert max(cores) - min(cores) <= 1


@pytest.mark.parametrize("scale", ["1", "1.07", "2.5", "237/100", "8"])
@pytest.mark.parametrize("length", [3, 130, 700])
def test_windows_cover_the_hr_axis_once_with_a_ring(scale, length):
    scale = Scale.of(scale)
    hr_length = scale.output_size(length, length)[0]
    cores = hr_cores(tile_spans(length, 64), scale.vertical, hr_length)
    for count in (1, 2, 5):
        side = window_side(cores, hr_length, count)
        of_cores = [list(windows(core, hr_length, side)) for core in cores]
        assert max(map(len, of_cores)) <= count
        found = [window for windows_of in of_cores for window in windows_of]
        assert [window.first for window in found] == [0, *(window.stop for window in found[:-1])]
        assert found[-1].stop == hr_length
        for window in found:
            assert window.start < window.first or window.first == 0
            assert window.stop < window.start + side or window.stop == hr_length


def plan_of(size, scale, config, limits, images=1):
    scale = Scale.of(scale)
    return TilesWithin(limits).plan(size, scale.output_size(*size), scale, config, images)


BUDGET = Limits(2**30)
# What overlapping tiles of 256 channels cost under that budget: they are about 430 pixels wide, of which 48 are halo.
MOST_ENCODED = {"tiny": 1.15, "baseline": 1.15, "rcan": 1.15, "edsr": 1.35}


@pytest.mark.parametrize(
    ("name", "config"), [("tiny", EDSR_TINY), ("baseline", EDSR_BASELINE), ("rcan", FULL_RCAN), ("edsr", EDSR)]
)
def test_little_is_computed_twice_and_all_is_within_the_budget(name, config, rng):
    """Any size from 256x256 to 24 Mpx, any scale: the plan covers every HR pixel once."""
    sizes = [(256, 256), (4000, 6000), (720, 1280), (257, 5999), *rng.integers(256, 4800, (12, 2)).tolist()]
    for size in sizes:
        scale = ("1.1", "1.5", "2", "2.37", "4x1.5", "8")[rng.integers(6)]
        plan = plan_of(tuple(size), scale, config, BUDGET)
        assert plan.encoded <= MOST_ENCODED[name], plan
        assert plan.decoded <= 1.05, plan
        tile, window = (int(np.prod(shape)) for shape in (plan.tile, plan.canvas))
        assert BUDGET.needed(tile, window, config) <= BUDGET.memory
        covered = 0
        for piece in plan.tiles:
            for rows, columns in piece.windows:
                covered += (rows.stop - rows.first) * (columns.stop - columns.first)
        assert covered == plan.hr[0] * plan.hr[1]


def test_an_accelerator_computes_large_pieces_and_batches():
    sixteen = Limits(8 * 2**30, accelerator=True)
    plan = plan_of((720, 1280), 3, EDSR_TINY, sixteen)
    assert (len(plan.tiles), plan.window_count) == (1, 1)
    plan = plan_of((180, 320), 2, EDSR_TINY, sixteen, images=100)
    assert -(-100 // plan.batch) <= 15
    assert plan.batch == -(-100 // -(-100 // plan.batch))  # the last batch is about as large
    assert plan_of((180, 320), 2, EDSR_TINY, BUDGET, images=100).batch == 1


def test_plans_do_not_depend_on_earlier_ones(rng):
    """64 of them, from upscalers that are fresh and from one that has planned all the others before."""
    sizes = [tuple(size) for size in rng.integers(20, 2000, (64, 2)).tolist()]
    scales = [("1.1", "1.5", "2", "2.37", "4x1.5", "8")[number % 6] for number in range(64)]
    settings = {"memory": 2**28, "share_programs": False}
    used = Upscaler(Model("small", SMALL, randomized(SMALL), {}), **settings)
    before = [used.explain(*case) for case in zip(sizes, scales, strict=True)]
    for case, words in reversed(list(zip(zip(sizes, scales, strict=True), before, strict=True))):
        assert used.explain(*case) == words
        assert Upscaler(used.model, **settings).explain(*case) == words


def test_an_image_has_the_same_pixels_whatever_came_before(rng):
    model, image = Model("small", SMALL, randomized(SMALL), {}), scene(61, 83)
    used = Upscaler(model, share_programs=False)
    for size in ((90, 90), (64, 128), (30, 200)):
        used.upscale(scene(*size), "2.5")
    np.testing.assert_array_equal(
        used.upscale(image, "2.5"), Upscaler(model, share_programs=False).upscale(image, "2.5")
    )


def test_the_first_size_gets_its_own_shapes_and_so_does_one_that_comes_often():
    tiling, scale = TilesWithin(BUDGET, ProgramShapes()), Scale.of(2)

    def plan(*size):
        return tiling.plan(size, scale.output_size(*size), scale, EDSR_TINY)

    assert plan(700, 500).tile == (700, 500)
    assert plan(690, 480).tile == (700, 500)  # fits well enough
    assert plan(60, 50).tile == (64, 64)
    assert plan(600, 900).tile == (640, 1024)
    tiles = [plan(610, 800).tile for _ in range(60)]
    assert tiles[0] == (640, 1024)
    assert tiles[-1] == (612, 800)  # what it wasted has paid for a program
    assert plan(610, 800) is plan(610, 800)  # the plan of a film's frames is made once


@pytest.fixture(scope="module")
def tiny():
    """The shipped network whole, in tiles of one small side, and as it chooses itself."""
    return load_model("arbedsr-tiny", tile=0), load_model("arbedsr-tiny", tile=64), load_model("arbedsr-tiny")


@pytest.mark.parametrize("scale", EVERY_SCALE)
def test_tiles_equal_the_whole_to_a_grey_level(tiny, scale):
    """An odd-sized image: 3 x 2 tiles of 64 with cores of 16 to 40, or one padded tile."""
    whole, tiles, automatic = tiny
    image = scene(101, 75)
    expected = whole.upscale(image, scale).astype(int)
    difference = np.abs(tiles.upscale(image, scale) - expected)
    assert difference.max() <= 1
    exact, hr = resolve_target(image.shape[:2], scale, None)
    for tile in tiling_of(64, BUDGET).plan(image.shape[:2], hr, exact, tiles.model.config).tiles:
        for rows, columns in tile.windows:  # two pixels on each side of a seam
            assert difference[max(0, rows.first - 2) : rows.first + 2].mean() <= 0.3
            assert difference[:, max(0, columns.first - 2) : columns.first + 2].mean() <= 0.3
    assert np.abs(automatic.upscale(image, scale) - expected).max() <= 1


@pytest.mark.parametrize(
    "config", [SMALL, RCAN, scale_specific(SMALL, 4), ModelConfig("edsr", 2, 8, upsampler="bicubic", adaption="plain")]
)
@pytest.mark.parametrize("size", [(37, 50), (1, 3), pytest.param((64, 64), marks=pytest.mark.slow)])
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


@pytest.mark.slow
def test_fifty_sizes_at_five_scales_need_few_programs(rng):
    upscaler = Upscaler(Model("small", SMALL, randomized(SMALL), {}))
    for _ in range(50):
        image = scene(*rng.integers(20, 300, 2))
        upscaler.upscale(image, SCALES[rng.integers(5)])
    assert len(upscaler.network.programs) <= 12


def test_rcan_sees_an_image_as_a_whole_where_memory_allows():
    """Its averages are then those of the image."""
    for size in ((200, 300), (1000, 1500)):
        assert len(plan_of(size, 2, RCAN, Limits(2**31)).tiles) == 1
    model, image = Model("small", RCAN, randomized(RCAN), {}), scene(70, 90)
    expected = Upscaler(model, tile=0).upscale(image, "2.5").astype(int)
    upscaler = Upscaler(model)
    for size in ((30, 40), (70, 90)):
        result = upscaler.upscale(image[: size[0], : size[1]], "2.5")
    assert np.abs(result - expected).max() <= 1


@pytest.mark.parametrize("length", [1, 47, 48, 49, 64])
def test_a_whole_image_of_any_size_is_one_tile(length):
    scale = Scale.of("2.5")
    (tile,) = WholeImages().plan((length, 50), scale.output_size(length, 50), scale, SMALL).tiles
    assert tile.spans[0] == (0, length, 0, length)
    assert tile.windows[0][0] == (0, 0, scale.output_size(length, 50).height)


def test_too_little_memory_and_too_small_tiles_are_refused():
    with pytest.raises(ArbsrError, match="allow at least"):
        plan_of((100, 100), 2, EDSR, Limits(2**20))
    with pytest.raises(ArbsrError, match="tiles of 48 pixels"):
        Upscaler(Model("small", SMALL, randomized(SMALL), {}), tile=48)


def test_a_plan_says_what_it_does():
    words = str(plan_of((720, 1280), 3, EDSR_TINY, BUDGET))
    assert words.startswith("1280x720 by 3 to 3840x2160: 1 tile of 1280x720, 16 windows of 962x542; ")
    assert words.endswith("1.00 of the LR and 1.01 of the HR pixels are computed")


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(EDSR_TINY, id="32 channels"),
        pytest.param(dataclasses.replace(EDSR, blocks=2), id="256", marks=pytest.mark.slow),
        pytest.param(FIELD, id="field", marks=pytest.mark.slow),
    ],
)
def test_what_is_needed_is_bounded_by_what_is_said(config):
    """XLA's own count of temporary bytes and results of every program."""
    model = Model("random", config, randomized(config), {})
    for side in (64, 128):
        upscaler = Upscaler(model, tile=side)
        upscaler.upscale(scene(70, 80), "2.37")
        plan = FixedTiles(side).plan((70, 80), (166, 190), Scale.of("2.37"), config)
        needed = BUDGET.needed(side**2, plan.canvas[0] * plan.canvas[1], config)
        for program in upscaler.network.programs:
            used = program.memory_analysis()
            assert used.temp_size_in_bytes + used.output_size_in_bytes <= needed, side
