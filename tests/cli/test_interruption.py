"""Ctrl-C, signals and closed streams: one line, the right exit code, and nothing half done."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from arbsr_jax.cli.main import main
from arbsr_jax.files import atomic_write
from tests.conftest import PATIENCE, ROOT, run_command

COUNT = 40
OTHERS = [pytest.param(number, marks=pytest.mark.slow) for number in (signal.SIGTERM, signal.SIGHUP)]


@pytest.fixture
def folder(tmp_path, rng):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(COUNT):
        Image.fromarray(rng.integers(0, 256, (160, 160, 3), np.uint8)).save(photos / f"{number:02d}.png")
    return photos


def interrupted(arguments, word, number):
    """Starts a command, sends the signal once it has said a word, and gives its exit code and what it said then."""
    command = [sys.executable, "-m", "arbsr_jax", *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        for line in running.stdout:
            if word in line:
                break
        running.send_signal(number)
        _, errors = running.communicate(timeout=PATIENCE)
    return running.returncode, errors


@pytest.mark.parametrize(
    "number", [signal.SIGINT, *(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGTERM, signal.SIGHUP))]
)
def test_upscale_says_how_far_it_came_and_goes_on(folder, tmp_path, number):
    out = tmp_path / "out"
    arguments = ["upscale", folder, "-o", out, "--scale", "2", "--model", "arbedsr-tiny"]
    code, said = interrupted(arguments, " -> ", number)
    assert code == 128 + number
    assert said.count("\n") == 1
    made = len(list(out.iterdir()))
    assert said.startswith("arbsr upscale: stopped; ")
    assert said.endswith(f" of {COUNT} files done; go on with --skip-existing\n")
    assert 0 < int(said.split()[3]) <= made < COUNT
    assert all(path.suffix == ".png" for path in out.iterdir())  # nothing hidden stays


@pytest.mark.slow
def test_evaluate_says_how_to_go_on(folder, tmp_path):
    arguments = ["evaluate", "--data", folder, "--scale", "2", "3", "--model", "arbedsr-tiny"]
    code, said = interrupted([*arguments, "--json", tmp_path / "s.json"], "photos ", signal.SIGINT)
    assert (code, said) == (130, "arbsr evaluate: stopped; the same command goes on\n")


SOME = [pytest.param(streams, marks=pytest.mark.slow) for streams in (">&-", "2>&-", "<&- >&-")]


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", *SOME])
def test_closed_streams_change_nothing(model, folder, tmp_path, closed):
    for path in sorted(folder.iterdir())[2:]:
        path.unlink()
    command = f"'{sys.executable}' -m arbsr_jax upscale '{folder}' -o '{tmp_path / 'out'}' --scale 2 --model '{model}'"
    assert subprocess.run(["sh", "-c", f"{command} {closed}"], cwd=ROOT, check=False).returncode == 0
    for path in folder.iterdir():
        with Image.open(tmp_path / "out" / path.name) as large:
            assert large.size == (320, 320)


def test_json_on_standard_output_is_nothing_else(model, folder):
    one = sorted(folder.iterdir())[0]
    flags = "--scale", "2", "--model", model, "--json", "-"
    result = run_command("-m", "arbsr_jax", "upscale", one, "-o", one.with_name("large.png"), *flags)
    (entry,) = json.loads(result.stdout)
    assert entry["status"] == "done"
    assert str(one) in result.stderr
    result = run_command("-m", "arbsr_jax", "evaluate", "--data", folder, "--limit", "2", *flags)
    assert json.loads(result.stdout)["rows"][0]["images"] == 2
    assert "protocol standard" in result.stderr


def test_links_stay_and_lead_to_what_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "there" / "real.txt")
    with atomic_write(link) as partial:
        partial.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "there" / "real.txt").read_text() == "new"


def test_pipes_and_devices_take_json_and_no_pictures(model, folder, tmp_path, capsys):
    one = sorted(folder.iterdir())[0]
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    flags = ["--scale", "2", "--model", model]
    assert main(["upscale", str(one), "-o", str(pipe), *flags, "--json", "/dev/null"]) == 1
    assert capsys.readouterr().err == f"arbsr upscale: {pipe}: no plain file; give another name\n"
    assert pipe.is_fifo()


def test_what_killed_runs_left_is_removed(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with atomic_write(tmp_path / "a.txt") as partial:
        left = partial.with_name(partial.name.replace(str(os.getpid()), str(gone.pid)))
        other = partial.with_name(partial.name.replace(str(os.getpid()), str(os.getppid())))
        left.write_text("half")
        other.write_text("another process writes here")
        partial.write_text("whole")
    with atomic_write(tmp_path / "a.txt") as partial:
        partial.write_text("again")
    assert not left.exists()
    assert other.exists()


@pytest.mark.parametrize("command", [["upscale", "x.png"], ["evaluate"]])
def test_a_place_that_cannot_be_written_is_named_first(command, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "s.json"
    assert main([*command, "--scale", "2", "--json", str(place)]) == 2
    said = capsys.readouterr().err
    assert f"{place}: cannot be written; {tmp_path / 'file'} is no folder that can be written to" in said
    assert said.count("\n") == 1
