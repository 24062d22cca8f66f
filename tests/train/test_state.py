"""What a network takes over before its first step."""

import dataclasses

import numpy as np
import pytest

from arbsr_jax import ArbsrError
from arbsr_jax.model_file import save_model
from arbsr_jax.models.config import scale_specific
from arbsr_jax.models.parameters import flatten_parameters
from arbsr_jax.train.state import init_from, init_from_teacher
from tests.models.fixtures import SMALL, randomized


def test_a_student_takes_the_teachers_blocks_and_if_asked_its_ends():
    teacher, fresh = randomized(scale_specific(SMALL, 4), seed=2), randomized(SMALL, seed=1)
    for with_ends, taken in (
        (False, {"block_0", "block_1"}),
        (True, {"block_0", "block_1", "head", "body_conv", "tail"}),
    ):
        student = init_from_teacher(fresh, teacher, with_ends)
        assert {name for name in student if student[name] is teacher.get(name)} == taken
        assert student.keys() == fresh.keys()


def test_a_model_file_gives_what_has_the_same_name_and_shape(tmp_path):
    """From x2 to x3 everything fits but the conv before the pixel shuffle."""
    config, path = scale_specific(SMALL, 2), tmp_path / "x2.safetensors"
    theirs, fresh = randomized(config, seed=2), randomized(scale_specific(SMALL, 3), seed=1)
    save_model(path, config, theirs, {})
    started, given = init_from(fresh, str(path))
    for name, leaf in flatten_parameters(started).items():
        assert (name in given) != name.startswith("upsampler/")
        source = fresh if name.startswith("upsampler/") else theirs
        np.testing.assert_array_equal(leaf, flatten_parameters(source)[name])


def test_the_backbone_alone_of_a_model_file_of_the_same_network(tmp_path):
    path, theirs, fresh = tmp_path / "m.safetensors", randomized(SMALL, seed=2), randomized(SMALL, seed=1)
    save_model(path, SMALL, theirs, {})
    started, _ = init_from(fresh, str(path), backbone_only=True)
    for name, leaf in flatten_parameters(started).items():
        backbone = name.split("/")[0] in ("head", "body_conv", "block_0", "block_1")
        np.testing.assert_array_equal(leaf, flatten_parameters(theirs if backbone else fresh)[name])


def test_a_model_file_of_another_kind_is_refused(tmp_path):
    other, path = dataclasses.replace(SMALL, channels=12), tmp_path / "other.safetensors"
    save_model(path, other, randomized(other), {})
    fresh = {"head": randomized(SMALL)["head"]}
    with pytest.raises(ArbsrError, match="none of its arrays fits"):
        init_from(fresh, str(path))
