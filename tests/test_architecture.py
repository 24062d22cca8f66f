"""The walls of the house: who may import what."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

FILES = sorted([*(ROOT / "arbsr_jax").rglob("*.py"), *ROOT.glob("*.py"), *(ROOT / "configs").glob("*.py")])
# Higher floors may use lower ones, never the other way round.
FLOORS = [
    {"errors", "files", "version"},
    {"ops", "parallel"},
    {"models", "data", "photos"},
    {"checkpoint"},
    {"inference", "convert"},
    {"evaluation", "demo"},
    {"train", "analysis"},
    {"cli"},
]
WALLS = {
    "torch": ("arbsr_jax/convert/pytorch.py",),
    "tensorflow": ("arbsr_jax/data/",),
    "tensorflow_datasets": ("arbsr_jax/data/",),
    "matplotlib": ("arbsr_jax/analysis/",),
    "sklearn": ("arbsr_jax/analysis/",),
    "argparse": ("evaluate.py", "arbsr_jax/cli/"),
    "absl": ("train.py",),
    "tensorboardX": ("arbsr_jax/train/logs.py",),
    "orbax": ("arbsr_jax/train/checkpoints.py",),
}


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def floor(name: str) -> int | None:
    return next((number for number, rooms in enumerate(FLOORS) if name in rooms), None)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downwards_and_respect_the_walls(path):
    place = path.relative_to(ROOT)
    room = place.parts[1].removesuffix(".py") if place.parts[0] == "arbsr_jax" else None
    for name in imports(path):
        top, *rest = name.split(".")
        allowed = WALLS.get(top)
        assert allowed is None or str(place).startswith(allowed), f"{place} imports {top}"
        if top == "arbsr_jax" and rest and floor(room or "") is not None and floor(rest[0]) is not None:
            assert floor(rest[0]) <= floor(room), f"{place} ({room}) imports {name} from a higher floor"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_small_and_only_one_says_pmap(path):
    text = path.read_text()
    assert text.count("\n") <= 250
    assert "pmap(" not in text or path.name == "parallel.py"
    assert path.name != "utils.py"


def test_every_room_has_a_floor():
    inside = (path.relative_to(ROOT).parts for path in FILES)  # the checkout may be called arbsr_jax too
    rooms = {parts[1].removesuffix(".py") for parts in inside if parts[0] == "arbsr_jax"}
    assert rooms - {"__init__"} <= set().union(*FLOORS)


@pytest.mark.parametrize("module", ["evaluate", "arbsr_jax.cli.main"])
def test_evaluation_and_upscaling_never_load_tensorflow(module):
    code = f"import sys, {module}; sys.exit(any(name.split('.')[0] == 'tensorflow' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
