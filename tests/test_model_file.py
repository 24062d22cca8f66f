import dataclasses
import json

import chex
import jax
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from arbsr_jax import ArbsrError
from arbsr_jax.model_file import read_model_file, save_model, shipped_models
from tests.models.fixtures import SMALL, randomized

PROVENANCE = {"steps": 7, "data": ["somewhere"]}


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "small.safetensors"
    save_model(path, SMALL, randomized(SMALL), PROVENANCE)
    return path


def rewritten(path, change_tensors=None, change_metadata=None):
    """The file with some of its contents replaced."""
    with safe_open(path, framework="numpy") as file:
        metadata, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    (change_tensors or (lambda t: None))(tensors)
    (change_metadata or (lambda m: None))(metadata)
    save_file(tensors, path, metadata)
    return path


def test_what_is_saved_is_loaded(model_file):
    model = read_model_file(model_file)
    assert (model.name, model.config, model.provenance) == ("small", SMALL, PROVENANCE)
    chex.assert_trees_all_equal(model.parameters, randomized(SMALL))


def test_half_of_the_size_is_read_as_float32(tmp_path, model_file):
    path, parameters = tmp_path / "half.safetensors", randomized(SMALL)
    save_model(path, SMALL, parameters, PROVENANCE, half=True)
    assert path.stat().st_size < 0.7 * model_file.stat().st_size
    expected = jax.tree.map(lambda leaf: np.asarray(leaf).astype(np.float16).astype(np.float32), parameters)
    chex.assert_trees_all_equal(read_model_file(path).parameters, expected)
    parameters["tail"]["bias"] = np.float32([1e6, 0, 0])
    with pytest.raises(ArbsrError, match=r"tail/bias \(1\) hold values above float16's 65504"):
        save_model(path, SMALL, parameters, PROVENANCE, half=True)


def test_nothing_but_the_file_is_left_behind(model_file):
    assert [path.name for path in model_file.parent.iterdir()] == [model_file.name]


def test_shipped_models_resolve_by_name():
    assert "arbedsr-tiny" in shipped_models()
    assert read_model_file("arbedsr-tiny").config.channels == 32


BROKEN = {
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-100]), "damaged"),
    "empty": (lambda path: path.write_bytes(b""), "damaged"),
    "text": (lambda path: path.write_text("this is no model"), "damaged"),
    "foreign": (lambda path: rewritten(path, None, lambda m: m.update(format="other/9")), "'format'"),
    "no config": (lambda path: rewritten(path, None, lambda m: m.pop("config")), "'config'"),
    "no json": (lambda path: rewritten(path, None, lambda m: m.update(config="{")), "'config'"),
    "json list": (lambda path: rewritten(path, None, lambda m: m.update(provenance="[]")), "'provenance'"),
    "other config": (
        lambda path: rewritten(path, None, lambda m: m.update(config=config_with(blocks=3))),
        "adaption_2/conv",
    ),
    "wrong field": (lambda path: rewritten(path, None, lambda m: m.update(config=config_with(depth=3))), "depth"),
    "missing key": (lambda path: rewritten(path, lambda t: t.pop("head/kernel")), "head/kernel"),
    "extra key": (lambda path: rewritten(path, lambda t: t.update(more=np.zeros(1, np.float32))), "more"),
    "other shape": (
        lambda path: rewritten(path, lambda t: t.update({"tail/bias": np.zeros(4, np.float32)})),
        "tail/bias",
    ),
    "other type": (lambda path: rewritten(path, lambda t: t.update({"tail/bias": np.zeros(3)})), "tail/bias"),
    "nan": (lambda path: rewritten(path, lambda t: t["head/bias"].fill(np.nan)), "head/bias"),
}


def config_with(**changes):
    return json.dumps({**dataclasses.asdict(SMALL), **changes})


@pytest.mark.parametrize("kind", BROKEN)
def test_a_bad_file_gets_one_line_that_names_the_cause(model_file, kind):
    damage, named = BROKEN[kind]
    damage(model_file)
    with pytest.raises(ArbsrError) as caught:
        read_model_file(model_file)
    message = str(caught.value)
    assert named in message
    assert str(model_file) in message
    assert "\n" not in message


def test_an_unknown_name_lists_the_shipped_ones():
    with pytest.raises(ArbsrError, match=r"no-such-model: no such model.*arbedsr-tiny"):
        read_model_file("no-such-model")
