"""One step under pmap: what it minimises, what it leaves alone, how many programs it needs."""

import dataclasses
import re

import chex
import jax
import numpy as np
import optax
import pytest

from arbsr_jax import parallel
from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.metrics import quality_y
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.models.config import PIXELWISE, ModelConfig, scale_specific
from arbsr_jax.models.network import SRNetwork, initialize
from arbsr_jax.train.norms import add_norms
from arbsr_jax.train.optimizer import adam, rate_table
from arbsr_jax.train.plans import compile_ahead, scale_plans
from arbsr_jax.train.settings import TrainConfig
from arbsr_jax.train.start import batch_plan, starting_state
from arbsr_jax.train.state import export_weights, init_state
from arbsr_jax.train.step import Constants, make_step
from arbsr_jax.train.teachers import FrozenTeacher
from tests.models.fixtures import compile_soon, randomized
from tests.train import fixtures


def copies(tree):
    return jax.tree.map(np.array, tree)


def weights(state):
    return state.parameters, state.optimizer.inner_state, state.statistics, state.average


def test_total_is_reconstruction_plus_weighted_transfer_in_float64():
    """Eq. 7, with both networks run apart from the step."""
    these = fixtures.constants(teacher=fixtures.teacher_parameters())
    lr, hr = fixtures.batch()
    state = fixtures.fresh()
    sr, out = fixtures.forward(state, lr, these.grid)
    _, taught = compile_soon(SRNetwork(fixtures.TEACHER).apply)(
        {"params": these.teacher}, lr.astype(np.float32), these.grid
    )
    reconstruction = np.abs(np.asarray(sr, np.float64) - hr).mean()
    features = zip(out["features"], taught["features"], strict=True)
    transfer = np.mean([np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64)).mean() for a, b in features])
    step = fixtures.program(teacher=fixtures.TEACHER, transfer_weight=1.0)
    _, metrics = step(state, parallel.shard((lr, hr)), these)
    assert transfer > 1
    assert float(metrics["reconstruction"]) == pytest.approx(reconstruction, rel=1e-5)
    assert float(metrics["transfer"]) == pytest.approx(transfer, rel=1e-5)
    assert float(metrics["loss"]) == pytest.approx(reconstruction + transfer, rel=1e-5)


@pytest.mark.parametrize("upsampler", PIXELWISE)
def test_a_step_of_some_pixels_compares_what_a_step_of_all_has_there(upsampler):
    """Of every third row and column of 24: the second step starts at column 0 of row 1."""
    config = dataclasses.replace(fixtures.STUDENT, adaption="none", upsampler=upsampler)
    these, (lr, hr), rows = fixtures.constants(), fixtures.batch(), slice(1, None, 3)
    state = init_state(randomized(config), fixtures.OPTIMIZER)._replace(step=np.int32(1))
    sr, _ = compile_soon(SRNetwork(config).apply)({"params": state.parameters}, lr.astype(np.float32), these.grid)
    step = parallel.DataParallel(make_step(config, fixtures.OPTIMIZER, hr_stride=3), optimized=False)
    _, metrics = step(state, parallel.shard((lr, hr)), these)
    error = np.abs(np.asarray(sr, np.float64) - hr)[:, rows, ::3]
    assert float(metrics["reconstruction"]) == pytest.approx(error.mean(), rel=1e-5)


def test_transfer_moves_the_student_and_never_the_teacher():
    teacher = fixtures.teacher_parameters()
    before = copies(teacher)
    these = fixtures.constants(teacher=teacher)
    taught, _ = fixtures.run(
        fixtures.program(teacher=fixtures.TEACHER, transfer_weight=1.0), fixtures.fresh(), 3, these
    )
    alone, _ = fixtures.run(fixtures.program(), fixtures.fresh(), 3, fixtures.constants())
    chex.assert_trees_all_equal(copies(these.teacher), before)
    for name in taught.parameters:
        if name.startswith("block_"):
            with pytest.raises(AssertionError, match="not equal"):
                chex.assert_trees_all_equal(taught.parameters[name], alone.parameters[name])


@pytest.mark.slow
def test_a_weight_of_zero_equals_no_teacher():
    these = fixtures.constants(teacher=fixtures.teacher_parameters())
    weightless, _ = fixtures.run(
        fixtures.program(teacher=fixtures.TEACHER, transfer_weight=0.0), fixtures.fresh(), 2, these
    )
    alone, _ = fixtures.run(fixtures.program(), fixtures.fresh(), 2, fixtures.constants())
    chex.assert_trees_all_close(weightless.parameters, alone.parameters, rtol=0, atol=1e-6)


def test_a_step_that_is_not_finite_is_skipped_and_counted():
    """One broken teacher value makes the loss not finite; nothing of it reaches parameters or optimizer."""
    teacher = fixtures.teacher_parameters()
    broken = jax.tree.map(np.copy, teacher)
    broken["head"]["kernel"][0, 0, 0, 0] = np.nan
    step = fixtures.program(teacher=fixtures.TEACHER, transfer_weight=1.0, ema=0.9)
    state, _ = fixtures.run(step, fixtures.fresh(averaged=True), 1, fixtures.constants(teacher=teacher))
    before = copies(weights(state))
    state, losses = fixtures.run(step, state, 2, fixtures.constants(teacher=broken), start=1)
    assert np.isnan(losses).all()
    assert (int(state.step), int(state.skipped), int(state.skipped_in_row)) == (3, 2, 2)
    chex.assert_trees_all_equal(copies(weights(state)), before)
    state, losses = fixtures.run(step, state, 1, fixtures.constants(teacher=teacher), start=3)
    assert np.isfinite(losses).all()
    assert (int(state.skipped), int(state.skipped_in_row)) == (2, 0)


@pytest.mark.slow
def test_a_batch_in_parts_has_the_gradient_of_the_batch():
    """Without batch norms, whose parts differ; Adam's first moments are a tenth of the gradients."""
    start = init_state(initialize(fixtures.STUDENT, 0), fixtures.OPTIMIZER)
    whole, parts = (
        fixtures.run(fixtures.program(accumulate=n), jax.tree.map(np.array, start), 1, fixtures.constants())
        for n in (1, 4)
    )
    np.testing.assert_allclose(parts[1], whole[1], rtol=5e-6)  # a mean of 14,000 float32 values
    moments = [state.optimizer.inner_state[0].mu for state in (whole[0], parts[0])]
    scale = max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(moments[0]))
    chex.assert_trees_all_close(moments[1], moments[0], atol=1e-6 * scale)


@pytest.mark.slow
def test_batch_norms_see_one_part_at_a_time():
    state, losses = fixtures.run(fixtures.program(accumulate=2), fixtures.fresh(), 2, fixtures.constants())
    assert np.isfinite(losses).all()
    assert int(state.step) == 2
    variances = jax.tree.leaves(state.statistics)
    assert all(np.ptp(leaf) > 0 or leaf.size == 1 for leaf in variances)


@pytest.mark.slow
def test_backbone_and_hypernetworks_learn_at_their_own_rates():
    """Adam's first step is the learning rate in the direction of the gradient, whatever the gradient's size."""
    before = copies(fixtures.fresh().parameters)
    optimizer = adam(backbone_lr_scale=0.25, hyper_lr_scale=3.0)
    state = fixtures.fresh(optimizer=optimizer)
    state, _ = fixtures.run(fixtures.program(optimizer), state, 1, fixtures.constants())
    now = {**state.parameters, "hyper": state.parameters["upsampler"]["hyper"]["kernel"]["bias"]}
    before["hyper"] = before["upsampler"]["hyper"]["kernel"]["bias"]
    for name, rate in {"head": 0.25, "block_0": 0.25, "body_conv": 0.25, "tail": 1.0, "hyper": 3.0}.items():
        moved = jax.tree.map(lambda a, b: np.abs(a - b).ravel(), now[name], before[name])
        moved = np.concatenate(jax.tree.leaves(moved))
        assert np.median(moved) == pytest.approx(1e-3 * rate, rel=1e-2)


@pytest.mark.slow
def test_thirty_scales_with_teachers_need_at_most_eight_programs():
    """The paper's scales at 50x50, transfer at x2, x3 and x4, as a run plans them; all is compiled and run."""
    model, lines = fixtures.STUDENT, []
    config = TrainConfig(model, optimized=False)
    teachers = {n: FrozenTeacher(scale_specific(model, n), randomized(scale_specific(model, n))) for n in (2, 3, 4)}
    plan = batch_plan(config)
    state = starting_state(config, teachers, lines.append)
    plans = scale_plans(config, teachers, plan)
    lines.clear()
    compile_ahead(plans, plan, state, lines.append)
    ahead = sum(program.programs for program in {scale.program for scale in plans.values()})
    count = len(lines) - 1
    assert lines[0] == f"compiling {count} programs (once on this machine)"
    for number, line in enumerate(lines[1:], start=1):
        assert re.fullmatch(rf"compiled program {number} of {count} \(16 x 50² to \d+² pixels, \d+\.\d s\)", line)
    for scale in plans.values():
        state, _ = scale.program(state, parallel.shard(fixtures.batch(0, 16, 50, scale.canvas)), scale.constants)
    assert int(state.step) == len(plans) == 30
    assert count == ahead == sum(program.programs for program in {scale.program for scale in plans.values()}) <= 8


@pytest.mark.slow
def test_one_patch_at_two_scales_is_learned_to_45_db(photograph):
    """Overfitting: the network can say what the picture is at both scales."""
    model = ModelConfig("edsr", blocks=2, channels=24, interval=2)
    optimizer, rates = adam(), rate_table(optax.cosine_decay_schedule(3e-3, 1500), 1500)
    step = parallel.DataParallel(make_step(model, optimizer, ema=0.99))
    state = init_state(add_norms(initialize(model, 0)), optimizer, averaged=True)
    examples = []
    for scale in (Scale.of("2"), Scale.of("1.5x2")):
        height, width = scale.output_size(20, 20)
        hr = photograph[:height, :width]
        canvas = np.zeros((1, 40, 40, 3), np.uint8)
        canvas[0, :height, :width] = hr
        these = Constants(make_grid(scale, (height, width), (40, 40)), rates)
        examples.append((imresize(hr, height=20, width=20)[None], canvas, these, hr))
    for number in range(1500):
        lr, canvas, these, _ = examples[number % 2]
        state, _ = step(state, parallel.shard((lr, canvas)), these)
    for lr, _, these, hr in examples:
        sr, _ = SRNetwork(model).apply({"params": export_weights(state, 0.99)}, lr.astype(np.float32), these.grid)
        sr = np.clip(np.rint(np.asarray(sr)[0, : hr.shape[0], : hr.shape[1]]), 0, 255).astype(np.uint8)
        assert quality_y(sr, hr).psnr >= 45
