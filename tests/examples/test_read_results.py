"""The notebook runs from the repository's root, and what it draws is what the rows say."""

from __future__ import annotations

import base64
from pathlib import Path

import nbformat
from nbclient import NotebookClient

REPOSITORY = Path(__file__).parents[2]
NOTEBOOK = REPOSITORY / "examples" / "read_results.ipynb"


def test_every_cell_runs_and_a_ladder_is_drawn() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    told = {"metadata": {"path": str(REPOSITORY)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=told).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [one for one in outputs if one.output_type == "error"]
    text = "\n".join(str(one.get("text", one.get("data", {}).get("text/plain"))) for one in outputs)
    assert "defeated only at high LR" in text
    (picture,) = [one.data["image/png"] for one in outputs if "image/png" in one.get("data", {})]
    assert base64.b64decode(picture).startswith(b"\x89PNG")


def test_it_is_committed_without_what_it_printed() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)
