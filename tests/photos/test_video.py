"""Films through ffmpeg; skipped where it is not installed."""

import json
import shutil
import subprocess

import pytest

from arbsr_jax.cli.main import main
from tests.photos import fixtures

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(fixtures.quick_model(tmp_path_factory.mktemp("model")))


def streams(path):
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", path]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]


@needs_ffmpeg
def test_every_frame_is_enlarged_and_the_sound_is_kept(tmp_path, model, capsys):
    made = ["-f", "lavfi", "-i", "testsrc=size=40x30:rate=10:duration=1", "-f", "lavfi", "-i", "sine=duration=1"]
    subprocess.run(["ffmpeg", "-v", "error", *made, "-pix_fmt", "yuv420p", tmp_path / "a.mp4"], check=True)
    assert (
        main(
            ["upscale", str(tmp_path / "a.mp4"), "-o", str(tmp_path / "b.mp4"), "--model", model, "--scale", "1.5x2.1"]
        )
        == 0
    )
    assert "padded to 60x64" in capsys.readouterr().out  # 60 x 63 needs a row more
    picture, sound = sorted(streams(tmp_path / "b.mp4"), key=lambda s: s["codec_type"], reverse=True)
    assert (picture["width"], picture["height"], picture["nb_read_frames"]) == (60, 64, "10")
    assert sound["codec_type"] == "audio"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


@needs_ffmpeg
def test_what_can_be_read_of_a_damaged_film_is_kept_and_said(tmp_path, model, capsys):
    made = ["-f", "lavfi", "-i", "testsrc=size=40x30:rate=10:duration=2", "-c:v", "libx264", "-g", "4"]
    subprocess.run(["ffmpeg", "-v", "error", *made, "-movflags", "faststart", tmp_path / "a.mp4"], check=True)
    content = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(content[: len(content) * 2 // 3])
    command = ["upscale", str(tmp_path / "a.mp4"), "-o", str(tmp_path / "b.mp4"), "--model", model, "--scale", "2"]
    assert main(command) == 0
    (picture,) = streams(tmp_path / "b.mp4")
    assert 0 < int(picture["nb_read_frames"]) < 20
    assert f"damaged: {picture['nb_read_frames']} of 20 frames could be read" in capsys.readouterr().out


@needs_ffmpeg
def test_a_film_that_is_none_is_named(tmp_path, model, capsys):
    (tmp_path / "a.mp4").write_bytes(b"no film")
    assert (
        main(["upscale", str(tmp_path / "a.mp4"), "-o", str(tmp_path / "out"), "--model", model, "--scale", "2"]) == 1
    )
    assert "a.mp4: not a readable film" in capsys.readouterr().err


def test_without_ffmpeg_it_says_so(tmp_path, model, capsys, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    (tmp_path / "a.mp4").write_bytes(b"no film")
    assert (
        main(["upscale", str(tmp_path / "a.mp4"), "-o", str(tmp_path / "out"), "--model", model, "--scale", "2"]) == 1
    )
    assert "need ffmpeg" in capsys.readouterr().err
