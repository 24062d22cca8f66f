import chex
import numpy as np
import pytest

from arbsr_jax import ArbsrError
from arbsr_jax.train.checkpoints import TrainingCheckpoints

STATE = {"step": np.int32(0), "w": np.arange(4, dtype=np.float32)}


def at(step):
    return {"step": np.int32(step), "w": STATE["w"] * step}


@pytest.fixture
def saved(tmp_path):
    """A folder with the states of steps 1, 2 and 3, of which the newest two are kept."""
    folder = tmp_path / "checkpoints"
    checkpoints = TrainingCheckpoints(folder, keep=2)
    assert checkpoints.restore_latest(STATE) is None
    for step in (1, 2, 3):
        checkpoints.save(step, at(step))
    checkpoints.close()
    return folder


def reopen(folder):
    lines = []
    checkpoints = TrainingCheckpoints(folder, keep=2, say=lines.append)
    restored = checkpoints.restore_latest(STATE)
    checkpoints.close()
    return restored, lines


def steps(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.isdigit())


def largest_file(folder):
    return max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def test_the_newest_state_comes_back_and_old_ones_go(saved):
    restored, lines = reopen(saved)
    chex.assert_trees_all_equal(restored, at(3))
    assert steps(saved) == ["2", "3"]
    assert not lines


@pytest.mark.parametrize("damage", ["truncated", "missing", "bits"])
def test_a_damaged_state_is_named_and_the_one_before_is_used(saved, damage):
    for path in [path for path in (saved / "3" / "state").rglob("*") if path.is_file()]:
        content = bytearray(path.read_bytes())
        if damage == "truncated":
            path.write_bytes(content[: len(content) // 2])
        elif damage == "missing":
            path.unlink()
        else:
            content[len(content) // 2] ^= 4
            path.write_bytes(content)
    restored, lines = reopen(saved)
    chex.assert_trees_all_equal(restored, at(2))
    assert "checkpoint 3" in lines[0]
    assert "damaged" in lines[0]
    assert (saved.parent / "damaged-3").exists()
    again, lines = reopen(saved)
    assert int(again["step"]) == 2
    assert not lines


def test_a_state_of_other_arrays_is_refused_and_stays(saved):
    checkpoints = TrainingCheckpoints(saved, keep=2)
    with pytest.raises(ArbsrError, match=r"checkpoint 3 has nothing at \['average'\], this config needs float32\[2\]"):
        checkpoints.restore_latest({**STATE, "average": np.zeros(2, np.float32)})
    checkpoints.close()
    assert steps(saved) == ["2", "3"]


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), ValueError("UNAVAILABLE: no network")])
def test_what_may_pass_sets_nothing_aside(saved, monkeypatch, error):
    checkpoints = TrainingCheckpoints(saved, keep=2)

    def fail(*arguments, **keywords):
        raise error

    monkeypatch.setattr(checkpoints._manager, "restore", fail)
    with pytest.raises(ArbsrError, match=r"checkpoint 3 cannot be read .*; try again"):
        checkpoints.restore_latest(STATE)
    assert steps(saved) == ["2", "3"]
    monkeypatch.setattr(checkpoints._manager, "save", fail)
    with pytest.raises(ArbsrError, match="no checkpoint can be written"):
        checkpoints.save(4, at(4))


def test_a_repaired_run_saves_that_step_again(saved):
    (largest_file(saved / "3" / "state")).write_bytes(b"")
    checkpoints = TrainingCheckpoints(saved, keep=2, say=lambda line: None)
    assert int(checkpoints.restore_latest(STATE)["step"]) == 2
    checkpoints.save(3, at(3))
    checkpoints.close()
    restored, lines = reopen(saved)
    assert (int(restored["step"]), lines) == (3, [])
