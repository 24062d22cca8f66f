"""The notebook runs from top to bottom, as it lies in the repository."""

import json
import os

import pytest

from arbsr_jax.compilation import CACHE_VARIABLE
from tests.conftest import PATIENCE, ROOT

NOTEBOOK = ROOT / "notebooks" / "arbsr_demo.ipynb"


def test_its_outputs_are_stored_and_small():
    """GitHub shows them; `jupyter execute --inplace` makes them."""
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert all(cell["execution_count"] for cell in cells)
    assert all(output["output_type"] != "error" for output in outputs)
    assert sum("image/jpeg" in output.get("data", {}) for output in outputs) >= 3
    assert NOTEBOOK.stat().st_size < 2**19


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(monkeypatch):
    # What other tests compiled need not be compiled again; a notebook on Colab begins with nothing on disk.
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", os.environ[CACHE_VARIABLE])
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    nbformat = pytest.importorskip("nbformat", reason="the extra notebook is not installed")
    nbclient = pytest.importorskip("nbclient", reason="the extra notebook is not installed")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    done = nbclient.NotebookClient(notebook, timeout=PATIENCE, resources={"metadata": {"path": ROOT}}).execute()
    text = "".join(o.get("text", "") for cell in done.cells for o in cell.get("outputs", []))
    pictures = sum("image/jpeg" in o.get("data", {}) for cell in done.cells for o in cell.get("outputs", []))
    assert "2.5 x 3.5" in text
    assert "step 60 loss" in text
    assert "the same picture: True" in text
    assert pictures >= 3
