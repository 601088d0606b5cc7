"""The exported schemas are the code's, and hold for what was really written."""

from __future__ import annotations

import gzip
import json
from itertools import islice
from pathlib import Path

import pytest
from pydantic import ValidationError
from support.registry_tree import python

from mobench.records.cells import FINISHED_CELL
from mobench.records.json_schema import RECORDS, schemas
from mobench.records.manifest import Manifest
from mobench.records.reading import shape_problems
from mobench.records.rows import ROW

ROOT = Path(__file__).parents[2]
RESULTS = sorted((ROOT / "leaderboard" / "results").glob("*/*/*"))
ROW_OF = {
    "attack": {"cell": "c", "step": 4, "kind": "attack", "prompt": "p", "outcome": 1},
    "capability": {
        "cell": "c", "step": 4, "kind": "capability", "task": "t", "prompt": "q", "outcome": 0.5,
    },
}  # fmt: skip


def test_the_committed_schemas_are_those_of_the_code() -> None:
    folder = ROOT / "docs" / "schema"
    committed = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert committed == schemas(), "write them: python -m mobench.records.json_schema docs/schema"
    assert len(committed) == len(RECORDS)


@pytest.mark.parametrize("result", RESULTS, ids=lambda path: "-".join(path.parts[-3:]))
def test_every_published_record_fits_its_type_and_comes_back_as_it_was(result: Path) -> None:
    text = json.loads((result / "manifest.json").read_text())
    manifest = Manifest.model_validate(text)
    assert json.dumps(manifest.to_json(), sort_keys=True) == json.dumps(text, sort_keys=True)
    for cell in json.loads((result / "cells.json").read_text()):
        FINISHED_CELL.validate_python(cell)
    with gzip.open(result / "rows.jsonl.gz", "rt") as file:
        for line in islice(file, 0, None, 997):
            ROW.validate_python(json.loads(line))


@pytest.mark.parametrize(
    ("kind", "change", "problem"),
    [
        ("attack", {"outcome": 2}, "outcome should be less than or equal to 1, got 2"),
        ("attack", {"outcome": 0.5}, "outcome should be a valid integer, got 0.5"),
        ("attack", {"step": True}, "step should be a valid integer, got True"),
        ("attack", {"task": "mmlu"}, "task should be '', got 'mmlu'"),
        ("capability", {"outcome": None}, "outcome should be a valid number, got None"),
        ("capability", {"outcome": float("nan")}, "outcome should be"),
        ("capability", {"inert": 1}, "inert should be None, got 1"),
        ("capability", {"kind": "skill"}, "kind should be one of attack, control, capability"),
    ],
)
def test_a_row_is_held_to_its_kind(kind: str, change: dict[str, object], problem: str) -> None:
    ROW.validate_python(ROW_OF[kind])
    with pytest.raises(ValidationError) as caught:
        ROW.validate_python({**ROW_OF[kind], **change})
    assert any(one.startswith(problem) for one in shape_problems(caught.value))


@pytest.mark.parametrize("field", ["cell", "step", "prompt", "outcome"])
def test_a_row_without_a_field_says_which(field: str) -> None:
    row = {key: value for key, value in ROW_OF["attack"].items() if key != field}
    with pytest.raises(ValidationError) as caught:
        ROW.validate_python(row)
    assert shape_problems(caught.value) == [f"{field} is missing"]


def test_the_records_need_no_torch_transformers_or_numpy() -> None:
    code = (
        "import sys, pkgutil, importlib, mobench.records as r\n"
        "for one in pkgutil.iter_modules(r.__path__):\n"
        "    importlib.import_module(f'{r.__name__}.{one.name}')\n"
        "print(sorted({'torch', 'transformers', 'numpy', 'scipy'} & set(sys.modules)))"
    )
    assert python(code).strip() == "[]"
