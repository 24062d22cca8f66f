"""Sweeps: resumed, shared, limited, of pictures and of LR files; and the self-ensemble."""

import json
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import evaluate
from arbsr_jax import load_model
from arbsr_jax.evaluation.datasets import find_lr, open_dataset
from arbsr_jax.evaluation.protocols import SWEEPS, standard
from arbsr_jax.evaluation.scores import ScoreCache, Scores
from arbsr_jax.imaging.metrics import Quality
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale
from tests.conftest import PATIENCE, ROOT, real_data, run_command


@pytest.fixture
def images(tmp_path):
    """Four small photographs."""
    import skimage.data

    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(4):
        Image.fromarray(skimage.data.astronaut()[60 * number :][:61, 150:197]).save(folder / f"{number}.png")
    return folder


def scores(path):
    """The rows of a JSON file but for the seconds."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in json.loads(path.read_text())["rows"]]


def test_sweeps_are_those_of_the_paper():
    sizes = {name: len(scales) for name, scales in SWEEPS.items()}
    assert sizes == {"integer": 3, "seen": 30, "unseen": 30, "large": 3, "extrapolate": 30, "asymmetric": 36}
    assert [str(SWEEPS[name][0]) for name in ("seen", "unseen", "extrapolate")] == ["1.1", "1.05", "5.1"]
    assert [str(SWEEPS[name][-1]) for name in ("seen", "unseen", "extrapolate")] == ["4", "3.95", "8"]
    assert "1.5x4" in map(str, SWEEPS["asymmetric"])


@pytest.mark.slow
@pytest.mark.parametrize("moment", [2, 11])
def test_a_killed_sweep_goes_on_and_ends_with_the_same_scores(model, images, tmp_path, moment):
    straight, killed = tmp_path / "straight.json", tmp_path / "killed.json"
    command = ["evaluate.py", "--model", model, "--data", images, "--sweep", "large", "--json"]
    assert run_command(*command, straight).returncode == 0
    process = subprocess.Popen([sys.executable, *map(str, command), str(killed)], cwd=ROOT, stdout=subprocess.DEVNULL)
    cache = killed.with_suffix(".images.jsonl")
    deadline = time.monotonic() + PATIENCE
    while (not cache.exists() or cache.read_text().count("\n") < moment) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
    with cache.open("a") as file:
        file.write('{"identity": "cut o')
    done = run_command(*command, killed)
    assert done.returncode == 0, done.stderr
    assert "scores of single images are known" in done.stdout
    assert scores(killed) == scores(straight)


@pytest.mark.slow
def test_two_processes_share_a_sweep(images, tmp_path):
    alone, shared = tmp_path / "alone.json", tmp_path / "shared.json"
    command = [sys.executable, "evaluate.py", "--model", "bicubic", "--data", str(images), "--scale", "2", "2.5x3.5"]
    subprocess.run([*command, "--json", str(alone)], cwd=ROOT, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    both = [*command, "--json", str(shared), "--coordinator", address, "--processes", "2", "--process"]
    second = subprocess.Popen([*both, "1"], cwd=ROOT, stdout=subprocess.DEVNULL)
    first = subprocess.run([*both, "0"], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (first.returncode, second.wait(timeout=PATIENCE)) == (0, 0)
    output = first.stdout
    assert scores(shared) == scores(alone)
    assert "8 scores of single images are known" in output
    assert len((tmp_path / "shared.images-1.jsonl").read_text().splitlines()) == 4


def test_scores_of_another_identity_are_passed_over(tmp_path):
    scores = Scores(Quality(30.0, 0.9, 0.1), Quality(29.0, 0.8, 0.2), seconds=0.5)
    ScoreCache(tmp_path / "l.jsonl", "one").add(("a",), scores)
    assert ScoreCache(tmp_path / "l.jsonl", "one").find(("a",)) == scores
    assert ScoreCache(tmp_path / "l.jsonl", "two").known == 0


def test_means_have_lpips_only_if_all_scores_have_it():
    one = Scores(Quality(30.0, 0.9, 0.1), Quality(28.0, 0.8, 0.2), seconds=0.5)
    other = Scores(Quality(32.0, 0.7, 0.3), Quality(29.0, 0.6, 0.4), seconds=1.5)
    mean = Scores.mean([one, other])
    np.testing.assert_allclose([*mean.ours, *mean.bicubic, mean.seconds], [31, 0.8, 0.2, 28.5, 0.7, 0.3, 1.0])
    assert Scores.mean([one, other._replace(ours=Quality(32.0, 0.7))]).ours.lpips is None


def test_saved_pictures_score_as_the_model_did(model, images, tmp_path):
    first, second, out = tmp_path / "a.json", tmp_path / "b.json", tmp_path / "out"
    command = ["--model", model, "--data", str(images), "--scale", "2", "1.7x2.3"]
    assert evaluate.main([*command, "--json", str(first), "--out", str(out)]) == 0
    assert evaluate.main([*command, "--json", str(second), "--sr", str(out)]) == 0
    assert scores(first) == scores(second)


def test_pictures_of_another_size_are_named(images, tmp_path, capsys):
    Image.new("RGB", (9, 9)).save(tmp_path / "0.png")
    assert evaluate.main(["--data", str(images), "--limit", "4", "--scale", "2", "--sr", str(tmp_path)]) == 1
    errors = capsys.readouterr().err
    assert "has 9x9 pixels, HR 46x60" in errors
    assert "no 1.png in" in errors


def test_given_lr_files_equal_those_of_matlab(capsys):
    folder = real_data("benchmark", "Set5")
    command = ["--data", str(folder), "--model", "bicubic", "--scale", "3"]
    assert evaluate.main(command) == 0
    made = capsys.readouterr().out.splitlines()[-1]
    assert evaluate.main([*command, "--lr", str(folder / "LR_bicubic")]) == 0
    assert made.split()[:8] == capsys.readouterr().out.splitlines()[-1].split()[:8]


@pytest.mark.parametrize(
    ("scale", "name"), [("2", "X2/ax2.png"), ("2", "X2.00/a.png"), ("3", "ax3.png"), ("2.5x3.5", "X3.50_X2.50/a.png")]
)
def test_layouts_of_lr_folders(scale, name, photograph, tmp_path):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    Image.fromarray(photograph).save(tmp_path / name)
    np.testing.assert_array_equal(find_lr(tmp_path, "a", Scale.of(scale)), photograph)


def test_aliases_and_layouts_of_datasets(photograph, tmp_path):
    for folder in ("benchmark/BSD100/HR", "DIV2K/DIV2K_valid_HR"):
        (tmp_path / folder).mkdir(parents=True)
        Image.fromarray(photograph).save(tmp_path / folder / "x.png")
    assert open_dataset(tmp_path / "benchmark" / "B100").name == "B100"
    assert open_dataset(tmp_path / "DIV2K").name == "DIV2K"


def test_a_limit_draws_the_same_images_again(images):
    dataset = open_dataset(images)
    names = [[image.name for image in dataset.sample(2, seed).images] for seed in (0, 0, 3)]
    assert names[0] == names[1] != names[2]
    assert len(dataset.sample(9, 0).images) == 4


@pytest.mark.parametrize("scale", [pytest.param("2", marks=pytest.mark.slow), "1.7x2.3"])
def test_the_ensemble_commutes_with_flips_and_transposes(scale, photograph):
    """Turning the image and turning the result are the same, up to the rounding of halves."""
    upscaler, scale = load_model("arbedsr-tiny"), Scale.of(scale)
    result = upscaler.upscale(photograph, scale, ensemble=True).astype(int)
    flipped = upscaler.upscale(photograph[::-1], scale, ensemble=True)[::-1]
    transposed = np.ascontiguousarray(photograph.swapaxes(0, 1))
    turned = upscaler.upscale(transposed, scale.transposed, ensemble=True).swapaxes(0, 1)
    assert np.abs(result - flipped).max() <= 1
    assert np.abs(result - turned).max() <= 1
    assert np.mean(result != turned) < 1e-3


@pytest.mark.slow
def test_the_ensemble_gains(images):
    pair = standard(open_dataset(images).images[1].load(), Scale.of(3))
    upscaler = load_model("arbedsr-tiny")
    results = upscaler.upscale(pair.lr, 3), upscaler.upscale(pair.lr, 3, ensemble=True), imresize(pair.lr, scale=3)
    errors = [np.mean((sr.astype(float) - pair.hr) ** 2) for sr in results]
    assert errors[1] < errors[0] < errors[2]
