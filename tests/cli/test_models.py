import hashlib

import pytest

from arbsr_jax.cli.main import main
from arbsr_jax.model_file import read_model_file, shipped_models


def test_every_shipped_model_says_what_it_is(capsys):
    assert main(["models", "--verbose"]) == 0
    printed = capsys.readouterr().out
    for name, path in shipped_models().items():
        assert f"\n{name}\n" in f"\n{printed}"
        assert hashlib.sha256(path.read_bytes()).hexdigest() in printed
    assert printed.count("  licence   ") == len(shipped_models())
    assert "not stated" not in printed


def test_the_list_has_a_line_for_each_model(capsys):
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(shipped_models()) + 2
    assert lines[1].split()[0] == "arbedsr-baseline"  # the default is the first
    for name in shipped_models():
        (line,) = (line for line in lines if line.split()[0] == name)
        size, *scores = line.split()[1:6]
        assert float(size) < 10
        assert all(25 < float(score) < 40 for score in scores)
    assert "arbsr convert" in lines[-1]


@pytest.mark.parametrize("name", shipped_models())
def test_shipped_models_know_their_licence_and_no_place_of_a_machine(name):
    provenance = read_model_file(name).provenance
    assert provenance["licence"].startswith("Apache-2.0")
    assert '"/' not in str(provenance).replace("'", '"')


def test_an_unknown_model_is_named(capsys):
    assert main(["models", "none.safetensors"]) == 2
    assert "none.safetensors: no such model" in capsys.readouterr().err
