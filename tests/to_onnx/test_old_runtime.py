"""Plain files run by onnxruntime 1.17, the oldest that other programs bring."""

import os
import subprocess
import sys

import numpy as np
import pytest

import arbsr_jax
from arbsr_jax.cli.main import main

OLD = "1.17.3"
CALL = """
import sys, numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
result = session.run(None, {session.get_inputs()[0].name: numpy.load(sys.argv[2])})[0]
numpy.save(sys.argv[3], result)
print(onnxruntime.__version__)
"""


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """A folder with that package and the NumPy that it was built for."""
    folder = tmp_path_factory.mktemp("old")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder]
    done = subprocess.run([*pip, f"onnxruntime=={OLD}", "numpy<2"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"onnxruntime {OLD} is not to be had for this Python")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scale"), [("arbedsr-tiny", "2.5x3.5"), ("arbedsr-field-tiny", "1.7"), ("arbedsr-field-tiny", "4")]
)
def test_it_computes_the_same(old, name, scale, photograph, tmp_path):
    file, planes = tmp_path / "plain.onnx", photograph.transpose(2, 0, 1)[None].astype(np.float32) / 255
    assert main(["export", name, "--plain", "--scale", scale, "-o", str(file)]) == 0
    np.save(tmp_path / "in.npy", planes)
    words = [sys.executable, "-c", CALL, file, tmp_path / "in.npy", tmp_path / "out.npy"]
    environment = os.environ | {"PYTHONPATH": str(old)}
    assert subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout.strip() == OLD
    result = np.round(255 * np.load(tmp_path / "out.npy")[0].transpose(1, 2, 0))
    assert np.abs(result - arbsr_jax.load_model(name).upscale(photograph, scale).astype(int)).max() <= 1
