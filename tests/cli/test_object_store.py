"""Addresses in and out: a store that fsspec opens, here folders of this machine and its memory."""

import json

import fsspec
import numpy as np
import pytest
from PIL import Image

from arbsr_jax.cli.main import main
from arbsr_jax.cli.object_store import is_remote, plan_links
from arbsr_jax.errors import ArbsrError
from tests.app import fixtures


@pytest.fixture
def store(tmp_path):
    """A bucket in memory with two pictures, one of them in a folder, and a text."""
    bucket = fsspec.filesystem("memory")
    for name in ("a.png", "inner/b.png"):
        Image.fromarray(fixtures.pixels(3, 8, 18, 13)).save(tmp_path / "x.png")
        bucket.pipe(f"/bucket/in/{name}", (tmp_path / "x.png").read_bytes())
    bucket.pipe("/bucket/in/notes.txt", b"words")
    yield bucket
    bucket.rm("/bucket", recursive=True)


def test_addresses_are_no_paths():
    assert is_remote("gs://bucket/photos")
    assert is_remote("memory://x")
    assert not any(map(is_remote, ("photos/x.png", "/a:b/x.png", "C:\\x.png", None)))


def test_pictures_are_fetched_enlarged_and_put_back(store, tmp_path):
    model, report = fixtures.quick_model(tmp_path), tmp_path / "report.json"
    words = ["upscale", "memory://bucket/in", "-o", "memory://bucket/out", "--scale", "2", "--model", str(model)]
    assert main([*words, "--json", str(report)]) == 0
    assert sorted(store.find("/bucket/out")) == ["/bucket/out/a.png", "/bucket/out/inner/b.png"]
    assert [entry["target"] for entry in json.loads(report.read_text())] == [
        "memory://bucket/out/a.png",
        "memory://bucket/out/inner/b.png",
    ]
    (tmp_path / "in.png").write_bytes(store.cat("/bucket/in/a.png"))
    assert main(["upscale", str(tmp_path / "in.png"), "-o", str(tmp_path / "alone.png"), *words[4:]]) == 0
    (tmp_path / "out.png").write_bytes(store.cat("/bucket/out/a.png"))
    np.testing.assert_array_equal(*(np.asarray(Image.open(tmp_path / name)) for name in ("out.png", "alone.png")))


def test_what_is_there_is_left_alone_and_what_fails_is_named(store, tmp_path, capsys):
    model = str(fixtures.quick_model(tmp_path))
    store.pipe("/bucket/in/bad.png", b"no picture")
    store.pipe("/bucket/out/a.png", b"there")
    words = ["upscale", "memory://bucket/in", "-o", "memory://bucket/out", "--scale", "2", "--model", model]
    assert main([*words, "--skip-existing"]) == 1
    out, err = capsys.readouterr()
    assert store.cat("/bucket/out/a.png") == b"there"
    assert "memory://bucket/out/a.png is there already" in out
    assert "memory://bucket/in/bad.png: not a readable image" in err
    assert "1 enlarged, 1 there already, 1 failed" in out


def test_a_local_file_goes_to_a_store_under_a_name_of_its_own(store, tmp_path):
    Image.fromarray(fixtures.pixels(3, 8, 18, 13)).save(tmp_path / "x.png")
    model = str(fixtures.quick_model(tmp_path))
    target = "memory://bucket/one/larger.jpg"
    assert main(["upscale", str(tmp_path / "x.png"), "-o", target, "--size", "30x", "--model", model]) == 0
    assert store.find("/bucket/one") == ["/bucket/one/larger.jpg"]


@pytest.mark.parametrize(
    ("given", "output", "said"),
    [
        (["memory://bucket/in"], "", "an address needs -o"),
        (["memory://bucket/nowhere"], "out", "no images there"),
        (["nothing://bucket/in"], "out", "nothing://bucket/in: cannot be opened"),
        (["memory://bucket/in"], "memory://bucket/x.png", "names one file, but there are 2 inputs"),
        (["memory://bucket/in", "memory://bucket/in/a.png"], "out", "another input would become out/a.png"),
    ],
)
def test_what_cannot_be_planned_is_said(store, given, output, said):
    with pytest.raises(ArbsrError, match=said):
        plan_links(given, output, "", "auto")
