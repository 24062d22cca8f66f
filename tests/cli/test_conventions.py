"""What all commands share."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

FAULTS = """
import resource
import numpy as np
from arbsr_jax.cli.conventions import keep_freed_memory

keep_freed_memory()

def faults():
    large = [np.ones(3 * 2**17) for _ in range(4)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

before = faults()
print(max(faults() for _ in range(5)) - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_the_memory_of_one_array_serves_the_next():
    """Else each of the five rounds would touch 3,072 fresh pages; MALLOC_ variables of the user are left alone."""
    for variables, expected in (({}, range(100)), ({"MALLOC_ARENA_MAX": "4"}, range(3072, 10**6))):
        command = [sys.executable, "-c", FAULTS]
        ran = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
        assert int(ran.stdout) in expected
