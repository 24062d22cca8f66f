"""A workdir on an object store, played by a folder behind etils.epath."""

import json
import shutil
import time

import pytest
import skimage.data
from etils.epath.testing import mock_epath
from PIL import Image

from arbsr_jax import ArbsrError
from arbsr_jax.train import remote
from arbsr_jax.train.checkpoints import TrainingCheckpoints
from arbsr_jax.train.recipe import load_config
from arbsr_jax.train.remote import LOCK, Remote, is_remote
from arbsr_jax.train.run import train
from arbsr_jax.train.settings import TrainConfig
from tests.conftest import PATIENCE

PLACE = "gs://bucket/runs/one"


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The folder in which the objects of gs:// lie."""
    folder = tmp_path / "objects"
    folder.mkdir()

    def there(path):
        return folder / str(path).removeprefix("gs://")

    def in_store(name):
        def call(original, path, *arguments, **settings):
            return original(str(there(path)), *arguments, **settings)

        return call

    def copied(original, path, target, **settings):
        return original(there(path), there(target), **settings)

    monkeypatch.setattr("etils.epath.gpath._is_tf_installed", lambda: False)  # its file system would be asked first
    of_one = ["open", "exists", "isdir", "listdir", "makedirs", "mkdir", "remove", "rmtree", "stat", "glob"]
    with mock_epath(**{name: in_store(name) for name in of_one}, copy=copied, replace=copied, rename=copied):
        yield folder


def test_what_is_a_remote_place():
    assert is_remote(PLACE)
    assert not is_remote("runs/one")


def test_files_are_brought_there_and_back_once_they_change(store, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    with Remote(PLACE, first) as here:
        first.mkdir()
        (first / "log.jsonl").write_text("1\n")
        (first / "deep").mkdir()
        (first / "deep" / "events").write_bytes(b"e")
        here.store()
        kept = store / "bucket/runs/one"
        assert (kept / "log.jsonl").read_text() == "1\n"
        assert (kept / "deep/events").read_bytes() == b"e"
        shutil.rmtree(kept / "deep")
        (first / "log.jsonl").write_text("1\n2\n")
        here.store()
        assert (kept / "log.jsonl").read_text() == "1\n2\n"
        assert not (kept / "deep").exists()  # it has not changed here
    assert not (kept / LOCK).exists()
    second.mkdir()
    with Remote(PLACE, second):
        assert (second / "log.jsonl").read_text() == "1\n2\n"


def owner(store):
    return json.loads((store / "bucket/runs/one/lock").read_text())["owner"]


def test_a_place_is_given_up_only_if_its_run_is_dead(store, tmp_path, monkeypatch):
    with Remote(PLACE, tmp_path) as first:
        other = Remote(PLACE, tmp_path)
        with pytest.raises(ArbsrError, match="is training there; stop it, wait 15 minutes"), other:
            pass
        assert owner(store) == first._owner != other._owner
        monkeypatch.setattr(remote.time, "time", lambda: 1e12)
        with other:
            assert owner(store) == other._owner
        first._sign()


def test_a_run_that_lost_its_place_writes_nothing_there_and_leaves_the_lock(store, tmp_path):
    with Remote(PLACE, tmp_path / "first") as first:
        (tmp_path / "first").mkdir()
        (tmp_path / "first" / "log.jsonl").write_text("1")
        Remote(PLACE, tmp_path)._sign()  # as a run does that took it for dead
        taken = owner(store)
        with pytest.raises(ArbsrError, match="has taken this place; stop it, or use another --workdir"):
            first.store()
    assert owner(store) == taken
    assert not (store / "bucket/runs/one/log.jsonl").exists()


def test_signs_of_life_come_by_themselves_until_another_run_has_the_place(store, tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "BEAT", 0.01)
    clock = iter(range(1, 10**6))
    monkeypatch.setattr(remote.time, "time", lambda: float(next(clock)))

    def signed():
        return json.loads((store / "bucket/runs/one/lock").read_text())["time"]

    with Remote(PLACE, tmp_path) as first:
        before = Remote(PLACE, tmp_path)._signature()[1]
        for _ in range(500):
            if first._signature()[1] > before:
                break
            time.sleep(0.01)
        assert first._signature()[1] > before
        other = Remote(PLACE, tmp_path)
        other._sign()
        first._heart.join(timeout=PATIENCE)
        assert not first._heart.is_alive()
        assert owner(store) == other._owner


def test_a_damaged_lock_holds_nobody_up(store, tmp_path):
    (store / "bucket/runs/one").mkdir(parents=True)
    (store / "bucket/runs/one/lock").write_text('{"owner": "7 on')
    with Remote(PLACE, tmp_path) as here:
        assert owner(store) == here._owner
    assert not (store / "bucket/runs/one/lock").exists()


def test_a_run_keeps_all_but_its_checkpoints_there_by_itself(store, tmp_path, monkeypatch):
    """Those are orbax's business, whose arrays know real object stores alone: here they go to a folder."""
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(skimage.data.astronaut()[:200, :260]).save(photos / "a.png")
    places = []

    def checkpoints(folder, *arguments):
        places.append(str(folder))
        return TrainingCheckpoints(tmp_path / "checkpoints", *arguments)

    monkeypatch.setattr("arbsr_jax.train.run.TrainingCheckpoints", checkpoints)
    config = load_config("edsr:x2-debug")
    assert train(TrainConfig.of(config), [str(photos)], PLACE) == f"{PLACE}/model.safetensors"
    assert places == [f"{PLACE}/checkpoints"]
    kept = store / "bucket/runs/one"
    first = (kept / "log.jsonl").read_text()
    assert {path.name for path in kept.iterdir()} >= {"config.json", "log.jsonl", "model.safetensors", "tensorboard"}
    config.steps += 2
    train(TrainConfig.of(config), [str(photos)], PLACE)
    later = (kept / "log.jsonl").read_text()
    assert later.startswith(first)
    assert json.loads(later.splitlines()[-1])["step"] == config.steps
