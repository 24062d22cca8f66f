"""Recipes become typed settings once, and whatever is wrong with them is said there."""

import dataclasses
import re

import pytest

from arbsr_jax import ArbsrError
from arbsr_jax.models.config import EDSR_TINY, scale_specific
from arbsr_jax.train.recipe import config_names, load_config, recipe
from arbsr_jax.train.settings import TrainConfig, flat_values


def parsed(**changes):
    config = load_config("arbedsr:tiny")
    config.update_from_flattened_dict(changes)
    return TrainConfig.of(config)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": 0}, "config.steps=0; at least 1 is needed"),
        ({"data.batch": -8}, "config.data.batch=-8; at least 1 is needed"),
        ({"data.candidates": 0}, "config.data.candidates=0; at least 1 is needed"),
        ({"data.hr_stride": 0}, "config.data.hr_stride=0; at least 1 is needed"),
        ({"data.hr_stride": 2}, "config.data.hr_stride=2; above 1 needs config.model.upsampler to be one of implicit"),
        ({"data.rim": -1}, "config.data.rim=-1; at least 0 is needed"),
        ({"data.symmetric_share": 1.5}, "config.data.symmetric_share=1.5; allowed is 0 to 1"),
        ({"data.largest": 3.0}, "config.data.largest=3.0; allowed is 4 (the paper's) to 8"),
        ({"data.largest": 9.0}, "config.data.largest=9.0; allowed is 4 (the paper's) to 8"),
        ({"data.degradations": "rain"}, "config.data.degradations='rain'; allowed: none, photo"),
        ({"optimizer.schedule": "linear"}, "config.optimizer.schedule='linear'; allowed: halving, cosine"),
        ({"optimizer.learning_rate": -1.0}, "config.optimizer.learning_rate=-1.0; at least 0 is needed"),
        ({"teachers.hr_share_end": 1.5}, "config.teachers.hr_share_end=1.5; allowed is 0 to 1"),
        ({"teachers.weight": 1.0}, "config.teachers.x2, config.teachers.x3, config.teachers.x4 not given"),
        ({"validation.every": 0}, "config.validation.every=0; at least 1 is needed"),
        ({"ema": 1.0}, "config.ema=1.0; allowed is 0 (no averaging) to below 1"),
        ({"dtype": "float16"}, "config.dtype='float16'; allowed: float32, bfloat16"),
        ({"profile": "5"}, "config.profile='5' is not understood; give START:COUNT"),
        ({"model.blocks": 0}, "model config: blocks=0; a whole number above 0 is needed"),
    ],
)
def test_what_is_not_allowed_is_said(change, said):
    with pytest.raises(ArbsrError, match=re.escape(said)):
        parsed(**change)


def test_unknown_names_and_other_types_of_a_users_own_config_are_said():
    config = load_config("arbedsr:tiny").to_dict()
    with pytest.raises(ArbsrError, match=re.escape("config.steps=1.5; a whole number is needed")):
        TrainConfig.of({**config, "steps": 1.5})
    with pytest.raises(ArbsrError, match=re.escape("config.normalized_masks=1; True or False is needed")):
        TrainConfig.of({**config, "normalized_masks": 1})
    with pytest.raises(ArbsrError, match=re.escape("config has no value 'data.bach'; allowed: patch, batch")):
        TrainConfig.of({**config, "data": {"bach": 8}})


def test_every_packaged_config_says_the_same_once_typed():
    files = {f"teachers.x{scale}": "file" for scale in (2, 3, 4)}
    for name in config_names():
        config = load_config(name)
        config.update_from_flattened_dict(files)
        assert flat_values(dataclasses.asdict(TrainConfig.of(config))) == flat_values(config.to_dict())


def test_the_papers_recipe_is_the_default():
    config = TrainConfig(EDSR_TINY)
    assert (config.steps, config.data.patch, config.data.batch) == (70_000, 50, 16)
    assert (config.optimizer.learning_rate, config.optimizer.halve_every, config.teachers.weight) == (1e-4, 15_000, 1)
    assert recipe(EDSR_TINY).to_dict() == dataclasses.asdict(config)


def test_a_scale_specific_network_needs_no_teachers():
    assert TrainConfig.of(recipe(scale_specific(EDSR_TINY, 2))).teachers.files == {}
