"""What the command says before anything is asked of it."""

import argparse
import importlib

import pytest

from arbsr_jax.cli.main import COMMANDS, EXAMPLES, main


def test_without_a_command_there_is_help_with_an_example_of_each(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    for name, words in COMMANDS.items():
        assert f"{name:<10}{words}\n{'':12}arbsr {name} {EXAMPLES[name]}\n" in printed + "\n"


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "train"])
def test_examples_are_understood(name):
    module = importlib.import_module(f"arbsr_jax.cli.{name}")
    parser = argparse.ArgumentParser()
    module.add_flags(parser)
    parser.parse_args(EXAMPLES[name].split())


def test_every_figure_says_what_it_shows(capsys):
    with pytest.raises(SystemExit):
        main(["figures", "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "where features are adapted to the scale" in printed
