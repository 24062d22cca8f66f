"""Batch norms of masks: what they are for, and that model files compute the same without them."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arbsr_jax.models.adaption import SATURATED, Mask, NormalizedConv3x3
from arbsr_jax.models.config import EDSR, RCAN
from arbsr_jax.models.layers import Conv3x3
from arbsr_jax.models.network import SRNetwork, parameter_shapes
from arbsr_jax.models.parameters import count_parameters, flatten_parameters, unflatten_parameters
from arbsr_jax.train.norms import MASK, STATISTICS, add_norms, example_images, fold_norms, unfold_batch_norm
from arbsr_jax.train.state import export_weights, init_state
from tests.models.fixtures import compile_soon, randomized
from tests.train import fixtures


def masks_of(parameters, images, grid):
    run = compile_soon(SRNetwork(fixtures.STUDENT).apply)
    sr, out = run({"params": parameters}, images.astype(np.float32), grid)
    return np.asarray(sr), [np.asarray(mask) for mask in out["masks"]]


def trained(steps=3, **settings):
    state = fixtures.fresh(averaged="ema" in settings)
    return fixtures.run(fixtures.program(**settings), state, steps, fixtures.constants("1.5x2"))[0]


@pytest.mark.parametrize(
    ("config", "files", "training"),
    [(EDSR, 42_924_309, 42_925_877), pytest.param(RCAN, 15_955_311, 15_956_291, marks=pytest.mark.slow)],
)
def test_sizes_of_model_files_and_with_norms(config, files, training):
    """A conv before a norm has no bias here, which the counts of the paper's code have: the norm takes it away."""
    shapes = parameter_shapes(config)
    with_norms = jax.eval_shape(lambda: add_norms(jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), shapes)))
    biases = sum(
        leaf.size for path, leaf in flatten_parameters(shapes).items() if MASK in path and path.endswith("bias")
    )
    assert count_parameters(shapes) == files
    assert count_parameters(with_norms) + biases == training


def test_folded_convs_compute_what_the_norms_do_with_their_running_statistics():
    """By hand in float64, at the rim too: zero padding comes before the norm."""
    state = trained()
    kernel = np.asarray(state.parameters["adaption_0"]["mask"]["conv_0"]["kernel"], np.float64)
    norm = {k: np.asarray(v, np.float64) for k, v in state.parameters["adaption_0"]["mask"]["conv_0"]["norm"].items()}
    statistic = {
        k: np.asarray(v, np.float64) for k, v in state.statistics["adaption_0"]["mask"]["conv_0"]["norm"].items()
    }
    folded = export_weights(state, 0.0)["adaption_0"]["mask"]["conv_0"]
    x = np.random.default_rng(0).uniform(0, 255, (9, kernel.shape[2]))
    for taps in (range(9), range(3, 9)):  # inside, and below the upper rim
        flat = kernel.reshape(9, kernel.shape[2], -1)
        conv = sum(x[tap] @ flat[tap] for tap in taps)
        expected = (conv - statistic["mean"]) / np.sqrt(statistic["var"] + 1e-5) * norm["scale"] + norm["bias"]
        ours = sum(x[tap] @ folded["kernel"].reshape(9, kernel.shape[2], -1)[tap] for tap in taps) + folded["bias"]
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)


def test_running_statistics_follow_the_batches():
    """Mean and variance of the conv's own output over images, rows and columns, a tenth of the way each step."""
    state, these, (lr, _) = fixtures.fresh(), fixtures.constants(), fixtures.batch()
    _, out = fixtures.forward(state, lr, these.grid)
    plain = dataclasses.replace(fixtures.STUDENT, adaption="none")
    backbone = {name: part for name, part in state.parameters.items() if not name.startswith("adaption")}
    run = compile_soon(SRNetwork(plain).apply)
    features = run({"params": backbone}, lr.astype(np.float32), these.grid)[1]["features"][0]
    # Fresh adaption adds nothing, so these are the features that the first mask sees.
    np.testing.assert_allclose(features, out["features"][0], rtol=1e-5, atol=1e-3)
    kernel = np.asarray(state.parameters["adaption_0"]["mask"]["conv_0"]["kernel"], np.float64)
    padded = np.pad(np.asarray(features, np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = lr.shape[1:3]
    made = sum(padded[:, r : r + height, c : c + width] @ kernel[r, c] for r in range(3) for c in range(3))
    after, _ = fixtures.run(fixtures.program(), state, 1, these)
    norm = after.statistics["adaption_0"]["mask"]["conv_0"]["norm"]
    np.testing.assert_allclose(norm["mean"], 0.1 * made.mean((0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(norm["var"], 0.9 + 0.1 * made.var((0, 1, 2)), rtol=1e-4)


@pytest.mark.parametrize("size", [pytest.param(1.0, marks=pytest.mark.slow), 1000.0])
def test_fresh_masks_are_neither_0_nor_1_however_large_the_features(size):
    """The fault that norms are for: without them a mask of features so large is 0 or 1 everywhere."""
    x = jnp.array(size * np.random.default_rng(0).normal(3, 1, (2, 24, 30, 8)), jnp.float32)
    shares = {}
    for conv in (NormalizedConv3x3, Conv3x3):
        mask = Mask(conv=conv)
        variables = mask.init(jax.random.key(0), x)
        values = np.asarray(mask.apply(variables, x, mutable=[STATISTICS])[0])
        shares[conv] = np.mean((values < SATURATED) | (values > 1 - SATURATED))
        if conv is NormalizedConv3x3:
            assert values.mean() == pytest.approx(0.5, abs=0.05)
            assert values.std() > 0.1
    assert shares[NormalizedConv3x3] < 0.01
    assert size == 1 or shares[Conv3x3] > 0.9


def alive(parameters):
    """The same parameters with masks between 0 and 1."""
    leaves = flatten_parameters(parameters)
    for path in leaves:
        if MASK in path:
            leaves[path] = leaves[path] * np.float32(0.1 if path.endswith("kernel") else 1)
    return unflatten_parameters(leaves)


def test_training_goes_on_from_a_model_file_where_it_was(photograph):
    """The norms compute the same for the images that they were taken from."""
    parameters = alive(randomized(fixtures.STUDENT, seed=3))
    images = example_images([lambda: photograph, lambda: photograph[::-1]], most=2, side=24)
    with_norms, reset = unfold_batch_norm(fixtures.STUDENT, parameters, images)
    assert reset == []
    grid = fixtures.constants("2.5", patch=24, canvas=60).grid
    state = init_state(with_norms, fixtures.OPTIMIZER)
    _, ours = fixtures.forward(state, images, grid)
    _, theirs = masks_of(parameters, images, grid)
    for mask, expected in zip(ours["masks"], theirs, strict=True):
        np.testing.assert_allclose(mask, expected, atol=1e-4)


def test_saturated_masks_start_anew_and_adaption_keeps_its_size(photograph):
    parameters = randomized(fixtures.STUDENT, seed=3)
    mask = parameters["adaption_0"]["mask"]["conv_3"]
    mask["bias"] = mask["bias"] + 1000
    images = example_images([lambda: photograph], most=1, side=24)
    with_norms, reset = unfold_batch_norm(fixtures.STUDENT, parameters, images)
    assert reset == [1]
    norm = with_norms["adaption_0"]["mask"]["conv_3"]["norm"]
    assert (norm["scale"] == 1).all()
    before, after = (tree["adaption_0"]["conv"]["mix"]["kernel"] for tree in (parameters, with_norms))
    np.testing.assert_allclose(after, 2 * before)  # the mask was 1, and is one half


@pytest.mark.slow
def test_averages_are_corrected_for_their_start():
    """After n steps they are the weighted mean of n weights alone, nothing of the zeros they start from."""
    decay, steps = 0.9, 4
    state, seen = fixtures.fresh(averaged=True), []
    step, these = fixtures.program(ema=decay), fixtures.constants()
    for number in range(steps):
        state, _ = fixtures.run(step, state, 1, these, start=number)
        seen.append(jax.tree.map(lambda leaf: np.array(leaf, np.float64), (state.parameters, state.statistics)))
    shares = np.array([decay ** (steps - 1 - n) for n in range(steps)])
    shares /= shares.sum()
    expected = fold_norms(*jax.tree.map(lambda *leaves: sum(map(np.multiply, shares, leaves)), *seen))
    chex.assert_trees_all_close(export_weights(state, decay), expected, rtol=1e-4, atol=1e-4)


def test_small_photographs_are_mirrored(photograph):
    sides = (100, 120), (40, 200), (7, 9)
    photographs = [lambda size=size: np.tile(photograph, (4, 4, 1))[: size[0], : size[1]] for size in sides]
    images = example_images(photographs, most=3)
    assert images.shape == (3, 96, 96, 3)
    small = np.tile(photograph, (4, 4, 1))[:7, :9]
    np.testing.assert_array_equal(images[2][:14, :9], np.concatenate([small, small[::-1]]))
