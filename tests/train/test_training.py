import json
import re

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from ml_collections import ConfigDict
from PIL import Image

from arbsr_jax import ArbsrError, parallel
from arbsr_jax.checkpoint import load_model
from arbsr_jax.models.network import SRNetwork
from arbsr_jax.ops.geometry import Scale, make_grid
from arbsr_jax.train.losses import reconstruction_loss
from arbsr_jax.train.optimizer import learning_rate, make_optimizer
from arbsr_jax.train.state import fresh_state
from arbsr_jax.train.step import make_step
from tests.conftest import run_command
from tests.models.fixtures import SMALL

RECIPE = {"learning_rate": 1e-4, "schedule": "halving", "halve_every": 15_000, "warmup": 10}


def test_loss_is_the_mean_over_the_hr_size_in_float64(rng):
    sr, hr = (rng.uniform(0, 255, (2, 9, 7, 3)) for _ in range(2))
    result = reconstruction_loss(jnp.asarray(sr, jnp.float32), jnp.asarray(hr, jnp.float32), jnp.array([8, 5]))
    assert float(result) == pytest.approx(np.abs(sr - hr)[:, :8, :5].mean(), rel=1e-6)


def test_the_papers_schedule_halves_every_15_epochs():
    rate = learning_rate(ConfigDict(RECIPE), 70_000)
    for step, expected in ((0, 1e-4), (14_999, 1e-4), (15_000, 5e-5), (69_999, 1e-4 / 16)):
        assert float(rate(step)) == pytest.approx(expected)


def test_cosine_schedule_warms_up_and_ends_at_zero():
    rate = learning_rate(ConfigDict({**RECIPE, "schedule": "cosine"}), 100)
    values = [float(rate(step)) for step in (0, 5, 10, 55, 100)]
    np.testing.assert_allclose(values, [0, 5e-5, 1e-4, 5e-5, 0], atol=1e-10)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ArbsrError, match="halving, cosine"):
        make_optimizer(ConfigDict({**RECIPE, "schedule": "linear"}), 10)


def test_steps_on_one_patch_learn_it(photograph):
    """The whole step under pmap: the loss on one pair of images falls far below its start."""
    scale = Scale.of("1.5x2")
    lr, hr = photograph[None, :20, :20], photograph[None, :40, :30]
    optimizer = optax.adam(1e-2)
    step = parallel.data_parallel(make_step(SRNetwork(SMALL), optimizer))
    state = fresh_state(SMALL, optimizer, seed=0)
    grid = make_grid(scale, scale.output_size(20, 20), canvas=(40, 40))
    canvas = np.zeros((1, 40, 40, 3), np.uint8)
    canvas[:, :40, :30] = hr
    losses = []
    for _ in range(150):
        state, metrics = step(state, parallel.shard((lr, canvas)), grid)
        losses.append(float(metrics["loss"]))
    assert int(state.step) == 150
    assert losses[-1] < losses[0] / 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import skimage.data

    path = tmp_path_factory.mktemp("images")
    Image.fromarray(skimage.data.astronaut()[:200, :260]).save(path / "a.png")
    Image.fromarray(skimage.data.coffee()[:220, :210]).save(path / "b.png")
    (path / "broken.png").write_bytes(b"no image")
    return path


def test_train_then_resume_then_evaluate(folder, tmp_path):
    """The commands that a user types, one after the other."""
    common = ["train.py", "--config", "configs/arbedsr.py:debug", "--data", folder, "--workdir", tmp_path]
    first = run_command(*common)
    assert first.returncode == 0, first.stderr
    assert "skipped" in first.stderr + first.stdout
    assert "broken.png" in first.stderr + first.stdout
    assert re.search(r"step 4 loss \d", first.stdout + first.stderr)

    more = run_command(*common, "--config.steps=6")
    assert more.returncode == 0, more.stderr
    assert "from step 4 to 6" in more.stdout + more.stderr
    model = load_model(tmp_path / "model.safetensors")
    assert model.provenance["steps"] == 6

    scores = tmp_path / "scores.json"
    evaluated = run_command(
        "evaluate.py", "--model", tmp_path / "model.safetensors", "--data", folder, "--scale", "1.5", "--json", scores
    )
    assert evaluated.returncode == 1, evaluated.stderr  # broken.png
    assert json.loads(scores.read_text())["rows"][0]["images"] == 2


def test_a_users_mistake_is_one_line(tmp_path):
    result = run_command(
        "train.py", "--config", "configs/arbedsr.py:debug", "--data", tmp_path / "nowhere", "--workdir", tmp_path
    )
    assert result.returncode != 0
    assert "no such folder" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
