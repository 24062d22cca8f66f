"""The notebook runs from top to bottom, as it lies in the repository."""

import json

import pytest

from tests.conftest import ROOT

NOTEBOOK = ROOT / "notebooks" / "arbsr_demo.ipynb"


def test_it_is_kept_without_outputs():
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] for cell in cells)


@pytest.mark.slow
def test_it_runs_from_top_to_bottom():
    nbformat = pytest.importorskip("nbformat", reason="the extra notebook is not installed")
    nbclient = pytest.importorskip("nbclient", reason="the extra notebook is not installed")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # After a cell with widgets nbclient may wait out its timeout and then go on (jupyter/nbclient#312).
    done = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": ROOT}}).execute()
    text = "".join(o.get("text", "") for cell in done.cells for o in cell.get("outputs", []))
    pictures = sum("image/png" in o.get("data", {}) for cell in done.cells for o in cell.get("outputs", []))
    assert "2.5 x 3.5" in text
    assert "step 60 loss" in text
    assert pictures >= 2
