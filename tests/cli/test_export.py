"""The exported file is run by JAX alone, in a process that never imports this package."""

import subprocess
import sys

import numpy as np
import pytest

from arbsr_jax import Upscaler, load_model
from arbsr_jax.cli.main import main
from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.model_file import Model, save_model
from arbsr_jax.models.config import ModelConfig, scale_specific
from tests.conftest import ROOT
from tests.models.fixtures import SMALL, randomized

RUN = """
import sys, numpy as np
from jax import export
program = export.deserialize(bytearray(open(sys.argv[1], "rb").read()))
arrays = np.load(sys.argv[2])
np.save(sys.argv[3], program.call(*(arrays[str(i)] for i in range(len(arrays)))))
assert not any(name.startswith("arbsr") for name in sys.modules)
"""
RCAN = ModelConfig("rcan", blocks=1, channels=8, group_blocks=1, reduction=4, interval=1)


WIDE = ModelConfig("edsr", blocks=1, channels=48, interval=1)  # by Winograd's way on CPUs


KINDS = (WIDE, "wide"), (RCAN, "rcan"), (scale_specific(SMALL, 3), "x3")
OTHERS = [pytest.param(config, id=name) for config, name in KINDS]


@pytest.mark.slow
@pytest.mark.parametrize("config", [pytest.param(SMALL, id="edsr"), *OTHERS])
def test_the_exported_file_computes_the_same(tmp_path, photograph, config):
    """One file, two sizes and scales."""
    model = Model("small", config, randomized(config), {})
    save_model(tmp_path / "m.safetensors", config, model.parameters, {})
    assert main(["export", str(tmp_path / "m.safetensors"), "-o", str(tmp_path / "deep" / "m.stablehlo")]) == 0
    for image, factors in ((photograph, "2.5x3.5"), (photograph[:23, :31], "1.7")):
        scale = Scale.of(config.scale or factors)
        grid = make_grid(scale, scale.output_size(*image.shape[:2]))
        arrays = [image[None].astype(np.float32)]
        arrays += [] if config.scale else [*grid.rows, *grid.columns, grid.scale]
        np.savez(tmp_path / "in.npz", **{str(index): array for index, array in enumerate(arrays)})
        command = [
            sys.executable,
            "-c",
            RUN,
            tmp_path / "deep" / "m.stablehlo",
            tmp_path / "in.npz",
            tmp_path / "out.npy",
        ]
        subprocess.run(command, check=True, cwd=tmp_path)
        expected = Upscaler(model, tile=0).upscale_unrounded(image, scale)
        np.testing.assert_allclose(np.load(tmp_path / "out.npy")[0], expected, atol=2e-2)


def test_what_the_documents_show_runs(tmp_path, photograph, monkeypatch):
    """The last block of docs/onnx.md, as it stands there."""
    monkeypatch.chdir(tmp_path)
    assert main(["export", "arbedsr-tiny", "-o", "tiny.stablehlo"]) == 0
    code = (ROOT / "docs" / "onnx.md").read_text().split("```python")[-1].split("```")[0]
    names = {"image": photograph}
    exec(code, names)
    found = names["pixels"].astype(int)
    expected = load_model("arbedsr-tiny").upscale(photograph, (2.5, 3.5))
    assert np.abs(found - expected).max() <= 1
