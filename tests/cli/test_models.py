import hashlib

import pytest

from arbsr_jax.cli.main import main
from arbsr_jax.model_file import load_model, shipped_models


def test_every_shipped_model_says_what_it_is(capsys):
    assert main(["models"]) == 0
    printed = capsys.readouterr().out
    for name, path in shipped_models().items():
        assert f"\n{name}\n" in f"\n{printed}"
        assert hashlib.sha256(path.read_bytes()).hexdigest() in printed
    assert printed.count("  licence   ") == len(shipped_models())
    assert "not stated" not in printed
    assert "arbsr convert" in printed


@pytest.mark.parametrize("name", shipped_models())
def test_shipped_models_know_their_licence_and_no_place_of_a_machine(name):
    provenance = load_model(name).provenance
    assert provenance["licence"].startswith("Apache-2.0")
    assert '"/' not in str(provenance).replace("'", '"')


def test_an_unknown_model_is_named(capsys):
    assert main(["models", "none.safetensors"]) == 2
    assert "none.safetensors: no such model" in capsys.readouterr().err
