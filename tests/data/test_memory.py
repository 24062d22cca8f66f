"""What images take in memory while patches are cut out of them, in a process of its own."""

import json
import subprocess
import sys

import pytest

from tests.conftest import PATIENCE

PROGRAM = """
import json, re
import numpy as np
from arbsr_jax.data.pipeline import BatchPlan, batches
from arbsr_jax.data.sources import TrainingImage
from arbsr_jax.data.store import decode, decoded_bytes
from arbsr_jax.imaging.scale import Scale

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])

plan = BatchPlan([Scale.of(2)], np.zeros(4, np.int32), patch=20, batch=4, seed=0)
def image(side):
    return TrainingImage("", (side, side), lambda: np.full((side, side, 3), side % 251, np.uint8))

list(batches(decode([image(100)], print), plan))  # what TensorFlow takes by itself
before, images = peak(), [image(2000)] * 50
assert len(list(batches(decode(images, print), plan))) == 4
print(json.dumps([peak() - before, decoded_bytes(images)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.slow
def test_images_are_in_memory_once():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=PATIENCE)
    grown, decoded = json.loads(done.stdout.splitlines()[-1])
    assert decoded == 600_000_000
    assert 0.9 * decoded < grown < 1.3 * decoded
