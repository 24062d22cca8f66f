"""Strictness for every test, and where the real data is."""

import os
import platform
import subprocess
import sys
import zlib
from pathlib import Path

import jax
import numpy as np
import pytest
from jaxtyping import install_import_hook

# Shapes and types of every function of the package are checked whenever a test calls it.
install_import_hook("arbsr_jax", "beartype.beartype")

from arbsr_jax import compilation  # noqa: E402 (after the hook)
from arbsr_jax.cli.conventions import keep_freed_memory  # noqa: E402

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("ARBSR_DATA", ROOT.parent / "shared" / "data"))

# Seconds after which a process that hangs is ended. No machine is so slow: no test fails for want of speed.
PATIENCE = 900

jax.config.update("jax_numpy_rank_promotion", "raise")


def _cache_folder() -> Path:
    """For the programs of this JAX on this processor: they are of no use to others."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    return ROOT / ".cache" / "tests" / f"jax-{jax.__version__}-{zlib.crc32(flags.encode()):08x}"


@pytest.fixture(scope="session", autouse=True)
def as_commands_run() -> None:
    """Tests and the commands that they run share compiled programs with each other and with later runs."""
    keep_freed_memory()
    os.environ.setdefault(compilation.CACHE_VARIABLE, str(_cache_folder()))
    compilation.keep_programs_on_disk()


def real_data(*parts: str) -> Path:
    """A folder of the real test data; the test is skipped where it is absent."""
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path} is absent; set ARBSR_DATA to the folder that holds {parts[0]}/")
    return path


def run_command(*arguments: object) -> subprocess.CompletedProcess:
    """A command as a user types it, from the repository's root."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model file of a small network, which is soon compiled: for tests of anything but what pictures look like."""
    from tests.app.fixtures import quick_model

    return str(quick_model(tmp_path_factory.mktemp("model")))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def photograph() -> np.ndarray:
    """A real picture, 61x47 pixels: small, odd, and not square."""
    import skimage.data

    return np.ascontiguousarray(skimage.data.astronaut()[40:101, 200:247])
