"""Threads that decode at once, each with its own message if it fails."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import pyvips

from arbsr_jax import ArbsrError
from arbsr_jax.app import reading, writing
from arbsr_jax.app.photo import Photo
from arbsr_jax.imaging.image_files import read_pixels, write_png
from arbsr_jax.imaging.turns import by_libvips
from tests.conftest import PATIENCE


def test_a_call_that_fails_is_made_again_while_no_other_runs():
    tried, alone, together = set(), threading.Lock(), threading.Barrier(2, timeout=PATIENCE)

    def call(number):
        if number not in tried:
            tried.add(number)
            together.wait()  # both have started
            raise pyvips.Error("")
        assert alone.acquire(blocking=False)
        time.sleep(0.05)
        alone.release()
        return number

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lambda n: by_libvips(lambda: call(n)), range(2))) == [0, 1]


def test_reading_and_writing_run_at_once(tmp_path, monkeypatch):
    """Each waits for the other in the middle of its work."""
    together = threading.Barrier(2, timeout=PATIENCE)
    pixels = np.full((9, 8, 3), 7, np.uint8)
    write_png(tmp_path / "a.png", pixels)
    for module, name in ((reading, "_photo"), (writing, "_encode")):
        original = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given, original=original: (together.wait(), original(*given))[1])
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(reading.read_photo, tmp_path / "a.png")
        writing.write_photo(tmp_path / "b.png", Photo(pixels))
        assert np.array_equal(read.result().pixels, pixels)
    assert np.array_equal(read_pixels(tmp_path / "b.png"), pixels)


def test_every_failure_has_its_own_words(tmp_path):
    """Three kinds of damage, read 60 times each by four threads."""
    for name, content in (
        ("a.png", b"\x89PNG\r\n\x1a\nxxxx"),
        ("b.jpg", b"\xff\xd8\xff\xe0xx"),
        ("c.tif", b"II*\0xxxx"),
    ):
        (tmp_path / name).write_bytes(content)
    paths = sorted(tmp_path.iterdir())

    def words(path):
        with pytest.raises(ArbsrError) as caught:
            reading.read_photo(path)
        return str(caught.value)

    alone = [words(path) for path in paths]
    assert len(set(alone)) == len(paths)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(words, paths * 60)) == alone * 60
