import os
from pathlib import Path

import pytest

from arbsr_jax.files import atomic_write


def test_what_was_written_is_on_the_disc_before_it_has_its_name(tmp_path, monkeypatch):
    """After a power cut a name holds the whole content, or what it held before."""
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (order.append("disc"), fsync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (order.append("name"), replace(*paths)))
    monkeypatch.setattr(Path, "replace", lambda self, to: (order.append("name"), replace(self, to)))
    with atomic_write(tmp_path / "file") as partial:
        partial.write_bytes(b"content")
    assert order[:2] == ["disc", "name"]
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    (tmp_path / "file").write_bytes(b"before")

    def fail():
        with atomic_write(tmp_path / "file") as partial:
            partial.write_bytes(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"before"
