"""What a user types: scales, sizes, folders, going on after an interruption, several processes."""

import json
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from arbsr_jax import Upscaler
from arbsr_jax.cli.main import main
from arbsr_jax.model_file import read_model_file, save_model
from tests.app import fixtures
from tests.conftest import PATIENCE, ROOT


def upscale(model, *arguments):
    return main(["upscale", *map(str, arguments), "--model", str(model)])


def picture(path, size=(18, 13), kind=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(fixtures.pixels(3, 8, size[1], size[0])).save(path, kind)
    return path


def size_of(path):
    with Image.open(path) as image:
        return image.size


def test_scale_size_and_a_bad_file(model, tmp_path, photograph, capsys):
    Image.fromarray(photograph[:21, :31]).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no image")
    out = tmp_path / "out"
    assert upscale(model, tmp_path, "-o", out, "--scale", "2.5x3.5") == 1
    assert np.asarray(Image.open(out / "a.png")).shape == (74, 78, 3)
    printed = capsys.readouterr()
    assert "b.png" in printed.err
    assert "31x21" in printed.out
    assert "78x74" in printed.out
    assert "x2.5 horizontally, x3.5 vertically" in printed.out

    assert upscale(model, tmp_path / "a.png", "-o", out, "--size", "100x50") == 0
    assert size_of(out / "a.png") == (100, 50)


def test_half_pixels_are_rounded_up_and_said(tmp_path, model, capsys):
    picture(tmp_path / "a.png", (301, 203))
    assert upscale(model, tmp_path / "a.png", "-o", tmp_path / "b.png", "--scale", "2.5x3.5") == 0
    assert size_of(tmp_path / "b.png") == (753, 711)
    assert "753x711" in capsys.readouterr().out


@pytest.mark.parametrize(("size", "expected"), [("60x40", (60, 40)), ("60x", (60, 43)), ("x40", (55, 40))])
def test_a_side_left_open_follows_the_other(tmp_path, model, size, expected):
    """18 x 13 pixels: 60 / 18 * 13 = 43.3, 40 / 13 * 18 = 55.4."""
    picture(tmp_path / "a.png")
    assert upscale(model, tmp_path / "a.png", "-o", tmp_path / "b.png", "--size", size) == 0
    assert size_of(tmp_path / "b.png") == expected


def test_folders_keep_their_structure_and_names_can_change(tmp_path, model):
    for name in ("a.png", "deep/b.jpg", "deep/er/c.gif"):
        picture(tmp_path / "in" / name)
    picture(tmp_path / "in" / ".hidden.png")
    flags = ["-o", tmp_path / "out", "--scale", "2", "--suffix", "_large"]
    assert upscale(model, tmp_path / "in", *flags) == 0
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")}
    assert found == {"a_large.png", "deep/b_large.jpg", "deep/er/c_large.png"}
    assert upscale(model, tmp_path / "in" / "*.png", "-o", tmp_path / "webp", "--scale", "2", "--ext", "webp") == 0
    assert [path.name for path in (tmp_path / "webp").iterdir()] == ["a.webp"]


def test_pictures_of_one_size_are_enlarged_together_on_accelerators(tmp_path, model, monkeypatch):
    """As many at once as the upscaler says; files, order and remarks are those of one by one."""
    sizes = {"a": (18, 13), "b": (18, 13), "c": (9, 7), "d": (18, 13), "e": (18, 13), "f": (18, 13), "g": (18, 13)}
    for name, size in sizes.items():
        picture(tmp_path / "in" / f"{name}.png", size)
    (tmp_path / "in" / "bad.png").write_bytes(b"no picture")
    flags = ["--scale", "2", "--json", tmp_path / "x.json"]
    assert upscale(model, tmp_path / "in", "-o", tmp_path / "one", *flags) == 1
    counts, enlarge = [], Upscaler.upscale

    def counted(self, image, *arguments, **settings):
        counts.append(len(image) if image.ndim == 4 else 1)
        return enlarge(self, image, *arguments, **settings)

    monkeypatch.setattr(Upscaler, "upscale", counted)
    monkeypatch.setattr(Upscaler, "batch_size", lambda self, lr, **target: 3)
    assert upscale(model, tmp_path / "in", "-o", tmp_path / "many", *flags) == 1
    assert counts == [2, 1, 3, 1]
    entries = json.loads((tmp_path / "x.json").read_text())
    assert [entry["status"] for entry in entries] == ["done", "done", "failed", *["done"] * 5]
    for name in sizes:
        one, many = (np.asarray(Image.open(tmp_path / way / f"{name}.png")).astype(int) for way in ("one", "many"))
        assert np.abs(one - many).max() <= 1


def test_the_plan_and_its_cost_are_told(tmp_path, model, capsys):
    picture(tmp_path / "a.png", (18, 13))
    flags = [tmp_path / "a.png", "-o", tmp_path / "b.png", "--scale", "2", "--explain", "--json", tmp_path / "x.json"]
    assert upscale(model, *flags, "--dry-run") == 0
    assert upscale(model, *flags) == 0
    assert capsys.readouterr().out.count("18x13 by 2 to 36x26: 1 tile of 18x13, 1 window of 36x26") == 2
    counters = json.loads((tmp_path / "x.json").read_text())[0]["counters"]
    assert (counters["encodes"], counters["decodes"], counters["encoded"]) == (1, 1, 1)


def test_all_frames_on_demand(tmp_path, model):
    first, second = (Image.fromarray(fixtures.pixels(3, 8)).rotate(angle) for angle in (0, 180))
    first.save(tmp_path / "a.png", save_all=True, append_images=[second])
    assert upscale(model, tmp_path / "a.png", "-o", tmp_path / "out", "--scale", "2", "--frames", "all") == 0
    one, two = (np.asarray(Image.open(tmp_path / "out" / f"a_000{n}.png")) for n in (1, 2))
    assert (one != two).any()


def test_a_dry_run_and_what_is_there_already_change_nothing(tmp_path, model, capsys):
    picture(tmp_path / "a.png")
    flags = [tmp_path / "a.png", "-o", tmp_path / "out", "--scale", "2"]
    assert upscale(model, *flags, "--dry-run") == 0
    assert "36x26" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
    assert upscale(model, *flags) == 0
    before = (tmp_path / "out" / "a.png").stat().st_mtime_ns
    assert upscale(model, *flags, "--skip-existing", "--json", tmp_path / "x.json") == 0
    assert (tmp_path / "out" / "a.png").stat().st_mtime_ns == before
    assert json.loads((tmp_path / "x.json").read_text())[0]["status"] == "there already"


@pytest.mark.parametrize("target", [("--scale", "5x2"), ("--size", "45x14")])
def test_more_than_the_model_is_trained_for_is_said(tmp_path, model, capsys, target):
    """Up to x4, unless the model file says that it was trained further."""
    picture(tmp_path / "a.png", (9, 7))
    assert upscale(model, tmp_path / "a.png", "-o", tmp_path / "out", *target, "--dry-run") == 0
    assert upscale(model, tmp_path / "a.png", "-o", tmp_path / "out", *target) == 0
    assert capsys.readouterr().out.count("more than the x4 that") == 2
    further, theirs = tmp_path / "further.safetensors", read_model_file(model)
    save_model(further, theirs.config, theirs.parameters, {"config": {"data": {"largest": 6}}})
    assert upscale(further, tmp_path / "a.png", "-o", tmp_path / "out", *target, "--dry-run") == 0
    assert "is trained for" not in capsys.readouterr().out


def test_metadata_can_be_left_out(tmp_path, model):
    image = Image.fromarray(fixtures.pixels(3, 8))
    image.save(tmp_path / "a.jpg", icc_profile=fixtures.icc(), exif=fixtures.exif())
    assert upscale(model, tmp_path / "a.jpg", "-o", tmp_path / "b.jpg", "--scale", "2", "--no-metadata") == 0
    with Image.open(tmp_path / "b.jpg") as made:
        assert not made.getexif()
        assert "icc_profile" not in made.info


@pytest.mark.parametrize(
    "wrong",
    [
        ["--scale", "2.5x"],
        ["--scale", "0.5"],
        ["--scale", "9"],
        ["--size", "1920"],
        ["--size", "x"],
        ["--scale", "2", "--model", "none"],
        ["--scale", "2", "--ext", "xcf"],
        ["--scale", "2", "--quality", "0"],
        ["--scale", "2", "--memory", "much"],
        ["--scale", "2", "--memory", "1M"],
    ],
)
def test_wrong_flags_are_one_line(tmp_path, capsys, wrong):
    picture(tmp_path / "a.png")
    code = main(["upscale", str(tmp_path / "a.png"), "-o", str(tmp_path / "out"), *wrong])
    assert code == (1 if "1M" in wrong else 2)  # what a tile needs is known when there is an image
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


@pytest.mark.slow
def test_two_processes_do_each_image_once(tmp_path, model):
    for number in range(7):
        picture(tmp_path / "in" / f"{number}.png")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "arbsr_jax.cli.main", "upscale", tmp_path / "in", "-o", tmp_path / "out"]
    command += ["--scale", "2", "--model", model, "--json", tmp_path / "x.json", "--coordinator", f"127.0.0.1:{port}"]
    started = [subprocess.Popen([*command, "--processes", "2", "--process", str(n)], cwd=ROOT) for n in range(2)]
    assert [process.wait(timeout=PATIENCE) for process in started] == [0, 0]
    done = [json.loads((tmp_path / name).read_text()) for name in ("x.json", "x-1.json")]
    sources = [entry["source"] for entries in done for entry in entries]
    assert [len(entries) for entries in done] == [4, 3]
    assert len(set(sources)) == 7 == len(list((tmp_path / "out").iterdir()))


@pytest.mark.slow
def test_two_hundred_images_killed_ten_times(tmp_path, model):
    """Restarted with --skip-existing: all are right in the end, and none was done twice but the one in flight."""
    for number in range(200):
        picture(tmp_path / "in" / f"{number:03d}.png", (90 + number % 7, 60))
    command = [sys.executable, "-m", "arbsr_jax.cli.main", "upscale", tmp_path / "in", "-o", tmp_path / "out"]
    command += ["--scale", "2.5x1.5", "--model", model, "--skip-existing"]
    rng, times, kills = np.random.default_rng(0), {}, 0
    while True:
        running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        if kills < 10:
            known = len(times)
            deadline = time.monotonic() + PATIENCE
            while len(list((tmp_path / "out").glob("*.png"))) < known + rng.integers(1, 16):
                assert time.monotonic() < deadline
                if running.poll() is not None:
                    break
                time.sleep(0.01)
            running.send_signal(signal.SIGKILL)
            kills += running.wait() == -signal.SIGKILL
        else:
            assert running.wait(timeout=PATIENCE) == 0
        for path in (tmp_path / "out").glob("*.png"):
            stamp = path.stat().st_mtime_ns
            assert times.setdefault(path.name, stamp) == stamp, "done twice"
        if running.returncode == 0:
            break
    assert kills == 10
    assert sorted(times) == [f"{number:03d}.png" for number in range(200)]
    straight = tmp_path / "straight"
    assert upscale(model, tmp_path / "in", "-o", straight, "--scale", "2.5x1.5") == 0
    for name in times:
        assert (tmp_path / "out" / name).read_bytes() == (straight / name).read_bytes()
