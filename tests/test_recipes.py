import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from arbsr_jax import load_model
from arbsr_jax.cli.main import main
from arbsr_jax.model_file import save_model
from arbsr_jax.models.parameters import flatten_parameters, unflatten_parameters
from benchmarks import record, score_tables

ROOT = Path(__file__).parents[1]


def write(folder, name, psnr):
    row = {"scale_h": 4.0, "scale_v": 4.0, "psnr": psnr, "ssim": psnr / 100, "bicubic_psnr": 28.0, "bicubic_ssim": 0.8}
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"rows": [row]}))


def test_seeds_become_means_and_paired_differences(tmp_path):
    """Seeds 1 dB apart, and row 2 always 0.5 above row 1: its spread must not hide that."""
    folders = [tmp_path / "seed0", tmp_path / "seed1"]
    for seed, folder in enumerate(folders):
        for name in ("x2", "x3", "x4", "row1", "row2", "row3", "row4", "row5"):
            write(folder, name, 30 + seed + (0.5 if name == "row2" else 0))
    command = [sys.executable, ROOT / "recipes" / "seeds_page.py", *folders]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.splitlines()
    cells = {(row["kind"], row["method"]): row["value"] for row in csv.DictReader(lines)}
    assert cells["PSNR", "bicubic"] == "28.00"
    assert cells["PSNR", "row1"] == "30.50 ± 0.71"
    assert cells["PSNR", "row2"] == "31.00 ± 0.71"
    assert cells["difference, PSNR / SSIM", "row2 - row1"] == "+0.50 ± 0.00 / +0.0050 ± 0.0000"
    assert cells["difference, PSNR / SSIM", "row3 - row2"].startswith("-0.50 ± 0.00 /")


def test_variants_are_compared_with_one_of_them(tmp_path):
    for name, psnr in {"hr": 30, "mix": 31, "pictures": 32}.items():
        write(tmp_path / "seed0", name, psnr)
    command = [sys.executable, ROOT / "recipes" / "seeds_page.py", tmp_path / "seed0", "--against", "hr"]
    command += ["--rows", "hr", "mix", "pictures"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.splitlines()
    cells = {(row["kind"], row["method"]): row["value"] for row in csv.DictReader(lines)}
    assert cells["PSNR", "mix"] == "31.00"
    assert cells["difference, PSNR / SSIM", "mix - hr"] == "+1.00 / +0.0100"
    assert cells["difference, PSNR / SSIM", "pictures - hr"].startswith("+2.00")


def test_recorded_rows_replace_those_of_the_same_key(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    record.record("x", [{"model": "a", "ms": 1.23456789}, {"model": "b", "ms": None}], ("model",))
    record.record("x", [{"model": "a", "ms": 2.0, "new": 3}], ("model",))
    assert record.read("x") == [{"model": "a", "ms": "2", "new": "3"}, {"model": "b", "ms": "", "new": ""}]
    assert record.read("none") == []


def test_means_over_a_sweep_are_of_all_its_scales(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    head = {"model": "m", "protocol": "standard", "dataset": "Set5", "bicubic_psnr": 1.0}
    rows = [head | {"scale_h": n, "scale_v": n, "psnr": 30.0 + n} for n in (2.0, 3.0, 4.0)]
    record.record("scores", rows, ("model", "scale_h", "scale_v"))
    scores = score_tables.Scores()
    assert scores.mean("m", "integer", "psnr") == 33.0
    assert scores.mean("bicubic", "integer", "psnr") == 1.0
    assert score_tables.shown(scores.mean("m", "seen", "psnr"), 2) == "-"


@pytest.mark.slow
def test_between_two_trainings_a_dead_mask_gives_way_to_a_living_one(tmp_path):
    """FROM's first mask is 0, so its F_adapt * M is 0: a quarter of TO's is what remains."""
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "astronaut.png")
    model, path = load_model("arbedsr-tiny").model, tmp_path / "dead.safetensors"
    leaves = flatten_parameters(model.parameters)
    dead = {**leaves, "adaption_0/mask/conv_3/bias": np.full(1, -1e3, np.float32)}
    save_model(path, model.config, unflatten_parameters(dead), {})
    out = tmp_path / "mixed.safetensors"
    command = [sys.executable, ROOT / "recipes" / "interpolate.py", path, "arbedsr-tiny", tmp_path, "-o", out]
    subprocess.run(command, check=True, cwd=ROOT)
    mixed = flatten_parameters(load_model(out).model.parameters)
    for name in ("adaption_0/mask/conv_3/bias", "adaption_0/mask/conv_0/kernel", "head/kernel"):
        np.testing.assert_allclose(mixed[name], leaves[name], rtol=1e-6)
    name = "adaption_0/conv/mix/kernel"
    np.testing.assert_allclose(mixed[name], leaves[name] / 4, rtol=1e-5)


@pytest.mark.slow
def test_the_gpu_recipe_goes_on_in_pieces(tmp_path):
    """A shrunken network on a CPU: stopped again and again, it ends with a model that has all its steps."""
    photos, pictures, runs = tmp_path / "photos", tmp_path / "pictures", tmp_path / "runs"
    photos.mkdir()
    for number in range(2):
        Image.fromarray(skimage.data.astronaut()[100 * number :][:240, :240]).save(photos / f"{number}.png")
    copy = "from PIL import Image; i = Image.open(r'{input}'); i.resize((i.width * 4, i.height * 4)).save(r'{output}')"
    command = f'{sys.executable} -c "{copy}"'
    assert main(["teach", str(photos), "-o", str(pictures), "--scale", "4", "--command", command]) == 0
    flags = "--config.dtype=float32 --config.data.batch=4 --config.steps=120 --config.log_every=2"
    settings = os.environ | {"PYTHON": sys.executable, "CONFIG": "edsr.py:x4-debug", "EXTRA": flags}
    recipe, lines = [ROOT / "recipes" / "arbedsr_gpu.sh", runs, pictures], runs / "arbedsr" / "log.jsonl"
    for _ in range(2):
        known = len(lines.read_text()) if lines.exists() else 0
        with subprocess.Popen(recipe, env=settings, stdout=subprocess.DEVNULL) as running:
            while not lines.exists() or len(lines.read_text()) <= known:
                assert running.poll() is None
                time.sleep(0.2)
            # As `timeout` does when the minutes are over.
            subprocess.run(["pkill", "-TERM", "-f", f"train.py.*{runs}"], check=True)
        assert running.returncode == 75
    assert subprocess.run(recipe, env=settings, check=False).returncode == 0
    assert load_model(runs / "arbedsr" / "model.safetensors").model.provenance["steps"] == 120
