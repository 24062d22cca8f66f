"""What a user types: train, stop, resume, evaluate."""

import importlib
import json
import re
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
from PIL import Image

from arbsr_jax.checkpoint import load_model
from tests.conftest import ROOT, run_command

CONFIGS = ["arbedsr:tiny", "arbedsr", "arbrcan", "edsr:baseline-x3", "rcan:x4", "ablation:tiny-row1", "ablation:row3"]
WITHOUT_VARIANT = {"rcan": "x2", "edsr": "x2"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import skimage.data

    path = tmp_path_factory.mktemp("images")
    Image.fromarray(skimage.data.astronaut()[:200, :260]).save(path / "a.png")
    Image.fromarray(skimage.data.coffee()[:220, :210]).save(path / "b.png")
    (path / "broken.png").write_bytes(b"no image")
    return path


def command(folder, workdir, *more, config="arbedsr:debug"):
    name, _, variant = config.partition(":")
    return ["train.py", "--config", f"configs/{name}.py:{variant}", "--data", folder, "--workdir", workdir, *more]


def parameters(path):
    return jax.tree.leaves(load_model(path / "model.safetensors").parameters)


def test_train_then_resume_then_evaluate(folder, tmp_path):
    """Two runs of N steps end bit for bit where one of 2N ends, and the result can be evaluated."""
    half, straight = tmp_path / "half", tmp_path / "straight"
    first = run_command(*command(folder, half, "--config.steps=3"))
    assert first.returncode == 0, first.stderr
    said = first.stdout + first.stderr
    assert "broken.png" in said
    assert re.search(r"step 2 loss \d", said)
    assert re.search(r"compiled program 1 .* in \d+\.\d s", said)

    more = run_command(*command(folder, half, "--config.steps=6"))
    assert more.returncode == 0, more.stderr
    assert "from step 3 to 6" in more.stdout + more.stderr
    assert load_model(half / "model.safetensors").provenance["steps"] == 6

    whole = run_command(*command(folder, straight, "--config.steps=6"))
    assert whole.returncode == 0, whole.stderr
    for a, b in zip(parameters(half), parameters(straight), strict=True):
        np.testing.assert_array_equal(a, b)

    scores = tmp_path / "scores.json"
    evaluated = run_command(
        "evaluate.py", "--model", half / "model.safetensors", "--data", folder, "--scale", "1.5", "--json", scores
    )
    assert evaluated.returncode == 1, evaluated.stderr  # broken.png
    assert json.loads(scores.read_text())["rows"][0]["images"] == 2


def test_sigterm_saves_and_exits_143_and_a_second_run_is_refused(folder, tmp_path):
    arguments = map(str, command(folder, tmp_path, "--config.steps=100000", "--config.checkpoint_every=100000"))
    log = tmp_path / "output"
    with log.open("w") as output:
        running = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + 240
            while "step 20 " not in log.read_text():
                assert running.poll() is None, log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.2)
            second = run_command(*command(folder, tmp_path))
            assert second.returncode == 1
            assert re.search(r"process \d+ is training there", second.stderr.splitlines()[-1])
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=30) == 143
        finally:
            running.kill()
    step = int(re.search(r"stopped by SIGTERM after step (\d+)", log.read_text())[1])
    assert [path.name for path in (tmp_path / "checkpoints").iterdir() if path.name.isdigit()] == [str(step)]


def test_a_run_that_diverges_stops_with_one_line(folder, tmp_path):
    result = run_command(
        *command(folder, tmp_path, "--config.optimizer.learning_rate=inf", "--config.max_skipped=2", "--config.steps=9")
    )
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert "not finite 2 times in a row" in last
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_can_be_built_and_shrunk(name):
    module, _, variant = name.partition(":")
    config = importlib.import_module(f"configs.{module}").get_config(variant or WITHOUT_VARIANT.get(module, ""))
    small = importlib.import_module(f"configs.{module}").get_config(f"{variant}-debug")
    assert config.steps > 1000
    assert small.steps < 10
    assert small.model.backbone == config.model.backbone


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_trains_resumes_evaluates(folder, tmp_path, name):
    config = f"{name}{'-' if ':' in name else ':'}debug"
    for steps in (2, 4):
        result = run_command(*command(folder, tmp_path, f"--config.steps={steps}", config=config))
        assert result.returncode == 0, result.stderr
    model = load_model(tmp_path / "model.safetensors")
    assert model.provenance["steps"] == 4
    scale = str(model.config.scale or "1.7x2.3")
    evaluated = run_command(
        "evaluate.py", "--model", tmp_path / "model.safetensors", "--data", folder, "--scale", scale
    )
    assert evaluated.returncode == 1, evaluated.stderr  # broken.png
    assert "2 images" in evaluated.stdout


def test_a_users_mistake_is_one_line(tmp_path):
    result = run_command(*command(tmp_path / "nowhere", tmp_path / "run"))
    assert result.returncode == 1
    assert "no such folder" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
