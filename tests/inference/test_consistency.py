"""Results that become their sources again when they are made small, and networks for one scale at others."""

import json

import numpy as np
import pytest
from PIL import Image

from arbsr_jax import ArbsrError, Upscaler, load_model
from arbsr_jax.cli.main import main
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.inference.arguments import resolve_target
from arbsr_jax.inference.consistency import ALLOWED, back_project, reconstruction_error
from arbsr_jax.inference.resized_after import ResizedAfter
from arbsr_jax.model_file import Model, save_model
from arbsr_jax.models.config import scale_specific
from tests.models.fixtures import SMALL, randomized


@pytest.fixture(scope="module")
def fixed():
    config = scale_specific(SMALL, 4)
    return Model("fixed", config, randomized(config), {})


def test_distance_is_that_of_numpy(photograph, rng):
    large = rng.integers(0, 256, (120, 150, 3)).astype(np.uint8)
    small = photograph[:40, :60]
    apart = np.abs(imresize(large.astype(np.float64), height=small.shape[0], width=small.shape[1]) - small)
    assert reconstruction_error(large, small) == pytest.approx((apart.mean(), apart.max()))


@pytest.mark.parametrize("scale", ["1.5", "2.5x3.5", "4", "8"])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "alpha", "gray"])
def test_projection_ends_within_a_grey_level(photograph, scale, kind):
    """Of bicubic interpolation with noise, far from its source; a calm picture, so that no light is clipped."""
    small = (photograph // 2 + 64).astype(np.uint8)
    if kind == "gray":
        small = small[..., :1]
    if kind == "alpha":
        small = np.concatenate([small, np.full_like(small[..., :1], 200)], axis=-1)
        small[5:20, 5:20, 3] = 150
    exact = resolve_target(small.shape[:2], scale, None)[1]
    noise = np.random.default_rng(0).normal(0, 6, (*exact, small.shape[-1]))
    large = np.clip(imresize(small.astype(np.float64), height=exact[0], width=exact[1]) + noise, 0, 255)
    if kind == "alpha":
        large[..., 3] = np.clip(large[..., 3], 60, 255)
    factor = {"uint16": 257.0, "float32": 1 / 255}.get(kind, 1.0)
    dtype = kind if kind in ("uint16", "float32") else "uint8"
    large, small = ((array * factor).astype(dtype) for array in (large, small))
    before = reconstruction_error(large, small)
    projected, after = back_project(large, small)
    assert projected.dtype == large.dtype
    assert projected.shape == large.shape
    assert after == reconstruction_error(projected, small)
    assert after.largest <= ALLOWED < before.largest


def test_a_picture_that_is_faithful_stays_as_it_is(photograph):
    large = imresize(photograph, height=2 * photograph.shape[0], width=2 * photograph.shape[1])
    while reconstruction_error(large, photograph).largest > ALLOWED:
        large, _ = back_project(large, photograph)
    again, _ = back_project(large, photograph)
    assert again is large


def test_the_command_says_how_far_results_are_and_brings_them_there(tmp_path, photograph):
    Image.fromarray(photograph // 2 + 64).save(tmp_path / "a.png")
    found = {}
    for flags in ([], ["--consistent"]):
        out, record = tmp_path / f"out{len(flags)}", tmp_path / "done.json"
        command = ["upscale", str(tmp_path / "a.png"), "-o", str(out), "--scale", "2.5x3.5", "--model", "arbedsr-tiny"]
        assert main([*command, "--json", str(record), *flags]) == 0
        entry = json.loads(record.read_text())[0]
        made = np.asarray(Image.open(out / "a.png"))
        expected = reconstruction_error(made, photograph // 2 + 64)._asdict()
        assert entry["downscaled_difference"] == pytest.approx(expected, abs=1e-4)
        found[len(flags)] = entry["downscaled_difference"]
    assert found[1]["largest"] <= ALLOWED
    assert found[1]["mean"] < found[0]["mean"]


@pytest.mark.parametrize("scale", ["1.5", "2.5x3.5", "4"])
def test_a_network_for_one_scale_serves_smaller_ones(fixed, photograph, scale):
    after, alone = ResizedAfter(fixed), Upscaler(fixed)
    full = alone.upscale(photograph, 4)
    made = after.upscale(photograph, scale)
    expected = full if scale == "4" else imresize(full, height=made.shape[0], width=made.shape[1])
    np.testing.assert_array_equal(made, expected)
    deep = after.upscale(photograph.astype(np.uint16) * 257, scale)
    assert np.abs(deep / 257 - made).max() <= 1.5
    assert after.upscale(photograph, 1) is not None
    assert "by 4" in after.explain(photograph.shape[:2], scale)


def test_what_it_does_is_said_and_what_it_cannot_do_refused(fixed, tmp_path, photograph, capsys):
    path = tmp_path / "x4.safetensors"
    save_model(path, fixed.config, fixed.parameters, {"name": "fixed"})
    Image.fromarray(photograph).save(tmp_path / "a.png")
    command = ["upscale", str(tmp_path / "a.png"), "-o", str(tmp_path / "out"), "--model"]
    assert main([*command, str(path), "--scale", "2.5", "--resize-after"]) == 0
    assert "fixed enlarges by 4, then imresize makes it smaller" in capsys.readouterr().out
    assert main([*command, str(path), "--scale", "2.5"]) == 1
    assert "for scale 4 alone" in capsys.readouterr().err
    assert main([*command, str(path), "--scale", "5", "--resize-after"]) == 1
    assert "enlarges by up to 4, not by 5" in capsys.readouterr().err
    assert main([*command, "arbedsr-tiny", "--scale", "2", "--resize-after"]) == 2
    assert "is a network for every scale" in capsys.readouterr().err
    with pytest.raises(ArbsrError, match="every scale"):
        ResizedAfter(load_model("arbedsr-tiny").model)
