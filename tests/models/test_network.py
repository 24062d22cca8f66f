import dataclasses
import sys
from concurrent.futures import ThreadPoolExecutor

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arbsr_jax import ArbsrError
from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.config import EDSR, EDSR_BASELINE, EDSR_TINY, RCAN, RDN, ModelConfig, meta, scale_specific
from arbsr_jax.models.extent import WHOLE
from arbsr_jax.models.hyper import over_phases
from arbsr_jax.models.network import GENERATOR, SRNetwork, initialize, parameter_shapes
from arbsr_jax.models.parameters import count_parameters
from tests.models.fixtures import SMALL, compile_soon, randomized

SMALL_RCAN = ModelConfig("rcan", blocks=2, channels=8, group_blocks=2, reduction=4, interval=1)
TABLE_1 = {
    "baseline": {"adaption": "none", "upsampler": "pixel_shuffle", "scale": 2},
    "row 1": {"adaption": "none", "upsampler": "bicubic"},
    "row 2": {"adaption": "none"},
    "row 3": {"adaption": "plain"},
    "row 4 and 5": {"adaption": "masked"},
}


def apply(config, parameters, image, scale, canvas=None):
    scale = Scale.of(scale)
    grid = make_grid(scale, scale.output_size(*image.shape[1:3]), canvas)
    return compile_soon(SRNetwork(config).apply)({"params": parameters}, image, grid)


@pytest.fixture
def image(photograph):
    return photograph[None].astype(np.float32)


@pytest.mark.parametrize(
    ("config", "count"),
    [
        (EDSR, 42_924_309),
        (RCAN, 15_955_311),
        (scale_specific(EDSR, 4), 43_089_923),
        (scale_specific(RDN, 4), 22_271_107),
        (meta(EDSR), 40_139_776),
        (meta(RDN), 22_419_072),
        pytest.param(scale_specific(RCAN, 4), 15_592_355, marks=pytest.mark.slow),  # nothing but tracing
    ],
)
def test_parameter_counts_without_mean_shift(config, count):
    assert count_parameters(parameter_shapes(config)) == count


def test_networks_are_traced_in_threads_at_once():
    """No class is made meanwhile: Flax changes a class while it makes another one of it."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            modules = list(threads.map(lambda _: over_phases()({"kernel": (4, nn.initializers.zeros)}), range(2000)))
    finally:
        sys.setswitchinterval(interval)
    assert len({type(module) for module in modules}) == 1


def test_the_plug_in_has_the_sizes_of_table_3():
    shapes = parameter_shapes(EDSR)
    assert count_parameters(shapes["adaption_0"]) == 278_209
    assert count_parameters(shapes["upsampler"]) == 103_682
    shapes = parameter_shapes(RCAN)
    assert count_parameters(shapes["adaption_0"]) == 64_129
    assert count_parameters(shapes["upsampler"]) == 17_090
    assert [config.adaptions for config in (EDSR, EDSR_BASELINE, EDSR_TINY, RCAN)] == [16, 8, 4, 10]


@pytest.mark.parametrize("backbone", [SMALL, SMALL_RCAN], ids=["edsr", "rcan"])
@pytest.mark.parametrize("row", TABLE_1)
def test_every_row_of_table_1_runs_on_an_odd_sized_image(backbone, row, image):
    config = dataclasses.replace(backbone, **TABLE_1[row])
    scale = str(config.scale or "2.5x3.5")
    sr, out = apply(config, randomized(config), image, scale)
    assert sr.shape == (1, *Scale.of(scale).output_size(61, 47), 3)
    assert np.isfinite(sr).all()
    assert len(out["features"]) == config.adaptions == 2
    assert len(out["masks"]) == (2 if config.adaption == "masked" else 0)
    chex.assert_shape(out["masks"], (1, 61, 47, 1))
    for mask in out["masks"]:
        assert 0 <= mask.min() < mask.max() <= 1


@pytest.mark.parametrize("size", [(85, 57), (1, 1), (2, 5)])
def test_odd_and_tiny_sizes_work(size, rng):
    image = rng.uniform(0, 255, (1, *size, 3)).astype(np.float32)
    sr, _ = apply(SMALL, randomized(SMALL), image, "1.7x2.3")
    assert sr.shape[1:3] == Scale.of("1.7x2.3").output_size(*size)
    assert np.isfinite(sr).all()


@pytest.mark.slow
def test_fresh_parameters_are_those_that_flax_draws():
    grid = make_grid(Scale.of(2), (8, 8))
    for config in (dataclasses.replace(SMALL, blocks=1, interval=1), dataclasses.replace(SMALL, upsampler="field")):
        key, image = jax.random.key(3, impl=GENERATOR), jax.ShapeDtypeStruct((1, 4, 4, 3), np.float32)
        chex.assert_trees_all_equal(initialize(config, 3), SRNetwork(config).lazy_init(key, image, grid)["params"])


def test_a_fresh_plug_in_leaves_backbone_features_alone_and_upsamples_bilinearly(image):
    """What a pretrained backbone and tail meet when training starts."""
    parameters = initialize(SMALL, 0)
    backbone_alone = dataclasses.replace(SMALL, adaption="none")
    without = {name: leaf for name, leaf in parameters.items() if not name.startswith("adaption")}
    sr, out = apply(SMALL, parameters, image, 3)
    expected, expected_out = apply(backbone_alone, without, image, 3)
    np.testing.assert_array_equal(sr, expected)
    np.testing.assert_array_equal(out["features"][-1], expected_out["features"][-1])


def test_heads_per_phase_equal_heads_at_every_hr_pixel(image):
    """The whole network, once with phase tables and once with one table entry for every HR pixel."""
    parameters = randomized(SMALL)
    scale = Scale.of("2.5x3.5")
    grid = make_grid(scale, scale.output_size(61, 47))
    per_pixel = grid._replace(
        **{
            name: axis._replace(phase=np.arange(axis.phase.size, dtype=np.int32), relative=axis.relative[axis.phase])
            for name, axis in (("rows", grid.rows), ("columns", grid.columns))
        }
    )
    assert per_pixel.rows.relative.size > 3 * grid.rows.relative.size
    network = compile_soon(SRNetwork(SMALL).apply)
    by_phase, _ = network({"params": parameters}, image, grid)
    by_pixel, _ = network({"params": parameters}, image, per_pixel)
    np.testing.assert_allclose(by_phase, by_pixel, atol=1e-5 * 255)
    assert np.abs(by_phase - by_pixel).max() <= 1e-5 * np.abs(by_pixel).max()


@pytest.mark.slow
def test_heads_may_see_the_inverse_of_the_scale(image):
    """In feature adaption and in the upsampler: the same network, shown 1/r by hand, gives the same."""
    parameters, inverse = randomized(SMALL), dataclasses.replace(SMALL, scale_input="inverse")
    grid = make_grid(Scale.of("2.5x3.5"), (120, 100))
    run = compile_soon(SRNetwork(SMALL).apply)
    shown_inverse, _ = compile_soon(SRNetwork(inverse).apply)({"params": parameters}, image, grid)
    by_hand, _ = run({"params": parameters}, image, grid._replace(scale=1 / grid.scale))
    np.testing.assert_allclose(shown_inverse, by_hand, rtol=1e-5, atol=1e-3)
    assert np.abs(shown_inverse - run({"params": parameters}, image, grid)[0]).max() > 1


@pytest.mark.slow
def test_a_kernel_of_3x3_adds_nine_samples_one_lr_pixel_apart():
    """In numpy, float64: samples at the predicted positions, clamped to the image, times their taps, and the bias."""
    config = dataclasses.replace(SMALL, adaption="none", kernel_size=3)
    parameters, grid = randomized(config), make_grid(Scale.of("2.5x3.5"), (28, 25))
    features = jnp.asarray(np.random.default_rng(0).normal(0, 20, (1, 8, 10, 8)), jnp.float32)
    network = SRNetwork(config)
    table = network.apply({"params": parameters}, grid, method="phase_table")
    assert table["kernel"].shape == (*table["offset"].shape[:2], 9 * 8)

    def upsampled(network, *arguments):
        return network.upsampler(*arguments)[0]

    x = network.apply({"params": parameters}, features, WHOLE, grid, method=upsampled)
    expected, f = np.empty((28, 25, 8)), np.asarray(features[0], np.float64)
    for y, (base_y, p) in enumerate(zip(grid.rows.base, grid.rows.phase, strict=True)):
        for z, (base_x, q) in enumerate(zip(grid.columns.base, grid.columns.phase, strict=True)):
            dy, dx = np.asarray(table["offset"][p, q], np.float64)
            taps, total = np.asarray(table["kernel"][p, q], np.float64).reshape(3, 3, 8), 0.0
            for i, j in np.ndindex(3, 3):
                row = base_y + grid.rows.relative[p] + dy + i - 1
                column = base_x + grid.columns.relative[q] + dx + j - 1
                top, left = int(np.floor(row)), int(np.floor(column))
                for a, b in np.ndindex(2, 2):
                    weight = (1 - abs(row - top - a)) * (1 - abs(column - left - b))
                    total += weight * taps[i, j] * f[np.clip(top + a, 0, 7), np.clip(left + b, 0, 9)]
            expected[y, z] = total + table["bias"][p, q]
    np.testing.assert_allclose(x[0], expected, atol=1e-3)


def test_a_fresh_kernel_of_3x3_is_its_middle_tap(image):
    config = dataclasses.replace(SMALL, kernel_size=3)
    parameters, of_one = initialize(config, 0), initialize(SMALL, 0)
    sr, _ = apply(config, parameters, image, "2.5x3.5")
    shared = {**parameters, "upsampler": of_one["upsampler"]}
    np.testing.assert_allclose(sr, apply(SMALL, shared, image, "2.5x3.5")[0], atol=1e-3)
    with pytest.raises(ArbsrError, match="kernel_size=2; an odd number"):
        dataclasses.replace(SMALL, kernel_size=2)


def test_the_canvas_beyond_the_image_does_not_reach_into_it(image):
    """As in training, where canvases are larger than HR patches: every pixel equals the unpadded result."""
    parameters = randomized(SMALL)
    exact, _ = apply(SMALL, parameters, image, "1.5x2")
    padded, _ = apply(SMALL, parameters, image, "1.5x2", canvas=(140, 101))
    height, width = exact.shape[1:3]
    np.testing.assert_allclose(padded[:, :height, :width], exact, atol=1e-3)


def test_one_program_serves_scales_of_equal_canvas():
    chex.clear_trace_counter()

    @jax.jit
    @chex.assert_max_traces(n=1)
    def program(parameters, image, grid):
        return SRNetwork(SMALL).apply({"params": parameters}, image, grid)[0]

    parameters = randomized(SMALL)
    results = []
    for text, size in (("2.4", (40, 50)), ("3x2.5", (32, 48)), ("2", (40, 48))):
        scale = Scale.of(text)
        lr = np.full((1, 16, 20, 3), 90, np.float32)
        results.append(program(parameters, lr, make_grid(scale, size, canvas=(48, 60))))
    assert np.abs(results[0] - results[1]).max() > 1e-3  # the scale does arrive


def test_vertical_and_horizontal_are_not_confused(photograph):
    """Transposing image and scale transposes the result of a network whose kernels are symmetric in both."""
    config = dataclasses.replace(SMALL, upsampler="bicubic", adaption="none")
    parameters = randomized(config)
    transposed = jax.tree.map(lambda leaf: leaf.swapaxes(0, 1) if leaf.ndim == 4 else leaf, parameters)
    image = photograph[None].astype(np.float32)
    sr, _ = apply(config, parameters, image, "3x1.5")
    turned, _ = apply(config, transposed, image.swapaxes(1, 2), "1.5x3")
    assert sr.shape == (1, 92, 141, 3)
    np.testing.assert_allclose(turned.swapaxes(1, 2), sr, atol=2e-3)


def test_bicubic_row_resizes_features_as_imresize_does(photograph):
    """With an identity network around it, the bicubic row is MATLAB's resize of the image."""
    config = dataclasses.replace(SMALL, upsampler="bicubic", adaption="none", channels=3)
    parameters = jax.tree.map(np.zeros_like, jax.tree.map(np.asarray, initialize(config, 0)))
    for layer in ("head", "tail"):
        parameters[layer]["kernel"][1, 1] = np.eye(3)
    sr, _ = apply(config, parameters, photograph[None, :20, :30].astype(np.float32), "2.5x3.5")
    expected = imresize(photograph[:20, :30].astype(np.float64), height=70, width=75)
    np.testing.assert_allclose(sr[0], expected, atol=2e-3)


def test_a_scale_specific_network_refuses_another_scale(image):
    config = scale_specific(SMALL, 2)
    with pytest.raises(ValueError, match="canvas"):
        apply(config, randomized(config), image, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"backbone": "vdsr"},
        {"channels": 0},
        {"blocks": 2.5},
        {"upsampler": "pixel_shuffle"},
        {"scale": 2},
        {"adaption": "some"},
        {"depth": 3},
    ],
)
def test_wrong_configs_name_the_field(change):
    with pytest.raises((ArbsrError, TypeError), match=next(iter(change))):  # TypeError: of beartype, in tests alone
        ModelConfig.from_dict({**dataclasses.asdict(SMALL), **change})


def test_gradients_reach_every_parameter(image):
    parameters = randomized(SMALL)
    scale = Scale.of("1.5x2")
    grid = make_grid(scale, scale.output_size(61, 47))

    def loss(p):
        return jnp.square(SRNetwork(SMALL).apply({"params": p}, image, grid)[0]).mean()

    gradients = compile_soon(jax.grad(loss))(parameters)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        assert np.abs(leaf).max() > 0, path
    chex.assert_tree_all_finite(gradients)
