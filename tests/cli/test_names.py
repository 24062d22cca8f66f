"""Names, folders and terminals: nothing is overwritten, computed twice, left out or lost without a word."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from arbsr_jax.cli.main import main
from tests.app import fixtures
from tests.cli.test_upscale import picture, size_of, upscale
from tests.conftest import PATIENCE, ROOT


def names(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def two_pages(path, kind="TIFF"):
    first, second = (Image.fromarray(fixtures.pixels(3, 8)).rotate(angle) for angle in (0, 180))
    path.parent.mkdir(parents=True, exist_ok=True)
    first.save(path, kind, save_all=True, append_images=[second])


@pytest.mark.parametrize("order", [["a.tif", "a_0001.tif"], ["a_0001.tif", "a.tif"]])
def test_a_frame_never_overwrites_another_result(tmp_path, model, capsys, order):
    two_pages(tmp_path / "a.tif")
    picture(tmp_path / "a_0001.tif", (9, 7), "TIFF")
    flags = [*(tmp_path / name for name in order), "-o", tmp_path / "out", "--scale", "2", "--frames", "all"]
    assert upscale(model, *flags) == 1
    assert "would both become" in capsys.readouterr().err
    assert size_of(tmp_path / "out" / "a_0001.tif") == (18, 14)
    assert names(tmp_path / "out") == {"a_0001.tif"}


def test_results_inside_the_input_folder_are_no_inputs(tmp_path, model):
    picture(tmp_path / "in" / "a.png")
    for _ in range(2):
        assert upscale(model, tmp_path / "in", "-o", tmp_path / "in" / "out", "--scale", "2") == 0
    assert names(tmp_path / "in") == {"a.png", "out/a.png"}
    assert size_of(tmp_path / "in" / "out" / "a.png") == (36, 26)


def test_without_an_output_results_lie_beside_their_sources(tmp_path, model, capsys):
    picture(tmp_path / "a.jpg")
    picture(tmp_path / "b.gif")
    assert upscale(model, tmp_path, "--scale", "2.5x3.5") == 0
    expected = {"a.jpg", "b.gif", "a_2.5x3.5.jpg", "b_2.5x3.5.png"}
    assert names(tmp_path) == expected
    before = (tmp_path / "a_2.5x3.5.jpg").stat().st_mtime_ns
    assert upscale(model, tmp_path, "--scale", "2.5x3.5") == 1  # nothing is overwritten, no result enlarged
    assert capsys.readouterr().err.count("is there already") == 2
    assert upscale(model, tmp_path, "--scale", "2.5x3.5", "--skip-existing") == 0
    assert (names(tmp_path), (tmp_path / "a_2.5x3.5.jpg").stat().st_mtime_ns) == (expected, before)
    assert upscale(model, tmp_path / "a.jpg", "--size", "40x30") == 0
    assert upscale(model, tmp_path / "a.jpg", "--scale", "2") == 0
    assert upscale(model, tmp_path / "a.jpg", "--scale", "3", "--suffix", "_big") == 0
    assert names(tmp_path) - expected == {"a_40x30.jpg", "a_2x2.jpg", "a_big.jpg"}


def test_what_a_folder_holds_besides_is_named(tmp_path, model, capsys):
    picture(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.psb").write_bytes(b"?")
    (tmp_path / "in" / "notes.txt").write_text("?")
    picture(tmp_path / "in" / "c.tga", kind="TGA")
    picture(tmp_path / "in" / "d.ppm", kind="PPM")
    picture(tmp_path / "in" / "e.avif", kind="AVIF")
    assert upscale(model, tmp_path / "in", "-o", tmp_path / "out", "--scale", "2") == 0
    assert "2 files left out: b.psb, notes.txt" in capsys.readouterr().err
    assert names(tmp_path / "out") == {"a.png", "c.png", "d.png", "e.avif"}


@pytest.mark.parametrize("name", ["x.gif", "x.dng", "x.heic", "x.jp2", "x.mp4", "x.psd"])
def test_a_kind_that_is_not_written_is_refused_and_no_folder_is_made(tmp_path, model, capsys, name):
    picture(tmp_path / "a.png")
    assert upscale(model, tmp_path / "a.png", "-o", tmp_path / name, "--scale", "2") == 2
    assert "not written in files of this kind; allowed: .png" in capsys.readouterr().err
    assert names(tmp_path) == {"a.png"}


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        (["export", "arbedsr-tiny", "-o", "model.tflite"], ".stablehlo"),
        (["convert", "none.pt", "-o", "model.onnx"], ".safetensors"),
        (["figures", "masks", "-o", "masks.jpg"], ".png"),
    ],
)
def test_every_output_is_refused_under_the_ending_of_another_kind(capsys, command, allowed):
    assert main(command) == 2
    said = capsys.readouterr().err
    assert command[-1] in said
    assert f"allowed: {allowed}" in said or allowed in said


def test_several_inputs_need_a_folder_and_ext_must_agree(tmp_path, model, capsys):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    assert upscale(model, tmp_path, "-o", tmp_path / "x.png", "--scale", "2") == 2
    assert upscale(model, tmp_path / "a.png", "-o", tmp_path / "x.png", "--ext", "jpg", "--scale", "2") == 2
    assert upscale(model, tmp_path / "a.png", "-o", tmp_path / "x.png", "--ext", "png", "--scale", "2") == 0
    said = capsys.readouterr().err
    assert "there are 2 inputs" in said
    assert "name two kinds of file" in said


def test_a_file_that_is_given_twice_is_done_once(tmp_path, model, capsys):
    path = picture(tmp_path / "a.png")
    assert upscale(model, path, path, tmp_path / "*.png", "-o", tmp_path / "out", "--scale", "2") == 0
    assert capsys.readouterr().out.count("->") == 1


def test_long_names_of_many_bytes_are_written(tmp_path, model, capsys):
    """83 characters of three bytes; with a suffix too many, which is said before anything is computed."""
    name = "图" * 83 + ".png"
    picture(tmp_path / "in" / name)
    assert upscale(model, tmp_path / "in", "-o", tmp_path / "out", "--scale", "2") == 0
    assert names(tmp_path / "out") == {name}
    assert upscale(model, tmp_path / "in", "-o", tmp_path / "more", "--scale", "2", "--suffix", "_large") == 1
    assert "a name of 259 bytes" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["500x80", "17x80", "20x"])
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_size_out_of_reach_names_the_file_and_the_rest_goes_on(tmp_path, model, capsys, size, dry):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png", (40 if size == "20x" else 200, 40))
    code = upscale(model, tmp_path, "-o", tmp_path / "out", "--size", size, "--json", tmp_path / "x.json", *dry)
    failed = [entry["source"] for entry in json.loads((tmp_path / "x.json").read_text()) if entry["status"] == "failed"]
    assert (code, len(failed) > 0) == (1, True)
    said = capsys.readouterr().err
    assert all(source in said for source in failed)
    assert "from 1 to 8" in said


def test_sizes_are_read_as_people_write_them(tmp_path, model):
    picture(tmp_path / "a.png")
    for size in ("40X30", "40×30"):
        assert upscale(model, tmp_path / "a.png", "-o", tmp_path / "b.png", "--size", size) == 0
        assert size_of(tmp_path / "b.png") == (40, 30)
    for size in ("0x100", "100x0", "x0"):
        assert upscale(model, tmp_path / "a.png", "-o", tmp_path / "b.png", "--size", size) == 2


def test_done_lines_show_seconds(tmp_path, model, capsys):
    picture(tmp_path / "a.png")
    assert upscale(model, tmp_path / "a.png", "-o", tmp_path / "b.png", "--scale", "2") == 0
    assert " s (x2 horizontally" in capsys.readouterr().out


def command_line(model, folder):
    command = [sys.executable, "-m", "arbsr_jax", "upscale", folder / "in", "-o", folder / "out", "--scale", "2"]
    return [*command, "--model", model]


def test_a_terminal_without_a_letter_does_not_end_the_batch(tmp_path, model):
    for name in ("a图.png", "b.png"):
        picture(tmp_path / "in" / name)
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    result = subprocess.run(command_line(model, tmp_path), cwd=ROOT, env=environment, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    assert rb"a\u56fe.png" in result.stdout
    assert names(tmp_path / "out") == {"a图.png", "b.png"}


def test_a_full_disc_behind_the_output_loses_lines_alone(tmp_path, model):
    for number in range(3):
        picture(tmp_path / "in" / f"{number}.png")
    with open("/dev/full", "w") as full:  # noqa: PTH123 (a device)
        result = subprocess.run(
            command_line(model, tmp_path), cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (result.returncode, result.stderr) == (0, b"")
    assert len(names(tmp_path / "out")) == 3


def test_a_closed_pipe_ends_quietly_after_the_picture_in_flight(tmp_path, model):
    for number in range(40):
        picture(tmp_path / "in" / f"{number:02d}.png")
    running = subprocess.Popen(command_line(model, tmp_path), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    running.stdout.readline()
    running.stdout.close()
    assert running.wait(timeout=PATIENCE) == 0
    assert running.stderr.read() == b""
    running.stderr.close()
    made = names(tmp_path / "out")
    assert 1 <= len(made) < 40
    assert all(np.asarray(Image.open(tmp_path / "out" / name)).shape == (26, 36, 3) for name in made)


def test_other_commands_end_quietly_at_a_closed_pipe(tmp_path):
    command = f"{sys.executable} -m arbsr_jax models | head -1 >/dev/null; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    command = f"{sys.executable} -m arbsr_jax evaluate --model bicubic --scale 2 3 4 5 | head -1 >/dev/null"
    result = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, check=False)
    assert result.stderr == b""


def test_frames_beside_the_source_overwrite_nothing(tmp_path, model, capsys):
    two_pages(tmp_path / "a.tif")
    picture(tmp_path / "a_2x2_0002.tif", (9, 7), "TIFF")
    assert upscale(model, tmp_path / "a.tif", "--scale", "2", "--frames", "all") == 1
    assert "a_2x2_0002.tif is there already" in capsys.readouterr().err
    assert names(tmp_path) == {"a.tif", "a_2x2_0002.tif"}
