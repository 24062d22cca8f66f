"""What `import arbsr_jax` offers, as help() and dir() show it."""

import subprocess
import sys

import numpy as np
import pytest

import arbsr_jax
from arbsr_jax.evaluation.protocols import PROTOCOLS
from arbsr_jax.imaging.metrics import crop_border, quality_y

NAMES = {"ArbsrError", "Scale", "Upscaler", "imresize", "list_models", "load_model", "quality", "read_image"}


def test_all_that_is_public_is_listed_and_there():
    assert set(arbsr_jax.__all__) == NAMES <= set(dir(arbsr_jax))
    assert all(getattr(arbsr_jax, name).__doc__ for name in NAMES)
    with pytest.raises(AttributeError, match="it has ArbsrError, Scale, Upscaler"):
        _ = arbsr_jax.upscaler


def test_help_shows_an_example_and_importing_is_light():
    code = "import sys, arbsr_jax; print('jax' in sys.modules); help(arbsr_jax)"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert shown.startswith("False")
    assert 'upscaler("photo.jpg", "2.5x3.5")' in shown
    for name in ("load_model(", "class Upscaler", "imresize(", "quality("):
        assert name in shown


def test_shipped_models_are_listed_and_loaded_by_name():
    names = arbsr_jax.list_models()
    assert "arbedsr-tiny" in names
    assert arbsr_jax.load_model(names[0]).model.name == names[0]


def test_a_setting_that_is_none_names_the_right_ones():
    with pytest.raises(
        arbsr_jax.ArbsrError, match="setting 'tiles' is unknown; allowed: restore, tile, memory, precision"
    ):
        arbsr_jax.load_model("arbedsr-tiny", tiles=64)


@pytest.mark.parametrize("protocol", ["standard", "arbsr"])
def test_quality_is_that_of_the_protocol(protocol, photograph, rng):
    noisy = np.clip(photograph + rng.normal(0, 5, photograph.shape), 0, 255).astype(np.uint8)
    scale = arbsr_jax.Scale.of("2.5x3.5")
    expected = quality_y(noisy, photograph, crop_border(scale), PROTOCOLS[protocol].luma_gain)
    larger = np.pad(noisy, ((0, 2), (0, 3), (0, 0)))  # a result may reach beyond HR
    assert arbsr_jax.quality(larger, photograph, "2.5x3.5", protocol) == expected
    with pytest.raises(arbsr_jax.ArbsrError, match="protocol 'mine' is unknown; allowed: standard, arbsr, metasr"):
        arbsr_jax.quality(noisy, photograph, scale, "mine")
