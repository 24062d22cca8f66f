"""A cluster of Ray on this machine: two workers share the files, and one of them dies."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from arbsr_jax.cli.main import main
from tests.app import fixtures
from tests.conftest import PATIENCE, ROOT

PICTURES = 200


@pytest.mark.parametrize("on", ["spark", "ray://", "ray://host"])
def test_an_engine_that_is_none_is_refused(on, capsys):
    assert main(["upscale", "x.png", "--scale", "2", "--on", on]) == 2
    assert f"--on {on} is not understood; give ray, or ray://HOST:PORT" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    Image.fromarray(fixtures.pixels(3, 8, 18, 13)).save(tmp_path / "a.png")
    assert main(["upscale", str(tmp_path / "a.png"), "-o", str(tmp_path / "out"), "--scale", "2", "--on", "ray"]) == 2
    assert "Ray" in capsys.readouterr().err


def workers():
    """Processes of Ray that hold a network."""
    found = subprocess.run(["pgrep", "-f", r"^ray::.*Worker"], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_done_twice_if_a_worker_dies(tmp_path):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    model, source = fixtures.quick_model(tmp_path / "model"), tmp_path / "in"
    source.mkdir()
    for number in range(PICTURES):
        picture = fixtures.pixels(3, 8, 20 + number % 7, 30)
        Image.fromarray(picture).save(source / f"{number:03d}.png")
    (source / "bad.png").write_bytes(b"no picture")
    flags = ["--scale", "2.5x3.5", "--model", str(model)]
    command = [sys.executable, "-m", "arbsr_jax", "upscale", str(source), "-o", str(tmp_path / "shared"), *flags]
    report = tmp_path / "report.json"
    process = subprocess.Popen(
        [*command, "--on", "ray", "--json", str(report)],
        cwd=ROOT,
        env=os.environ | {"RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    killed = None
    while process.poll() is None and killed is None:
        time.sleep(0.05)
        if len(list((tmp_path / "shared").glob("*.png"))) >= PICTURES // 8 and len(found := workers()) >= 2:
            killed = found[0]
            os.kill(killed, signal.SIGKILL)
    out, err = process.communicate(timeout=PATIENCE)
    assert killed, err
    assert process.returncode == 1  # for the bad file
    assert "bad.png" in err
    entries = json.loads(report.read_text())
    assert [entry["source"] for entry in entries] == sorted({str(path) for path in source.iterdir()})
    assert [entry["status"] for entry in entries].count("done") == PICTURES
    assert f"{PICTURES} enlarged, 1 failed" in out.splitlines()  # beside what Ray says of the worker
    assert main(["upscale", str(source), "-o", str(tmp_path / "alone"), *flags]) == 1
    for path in (tmp_path / "alone").iterdir():
        assert path.read_bytes() == (tmp_path / "shared" / path.name).read_bytes()
    assert len(list((tmp_path / "shared").iterdir())) == PICTURES
