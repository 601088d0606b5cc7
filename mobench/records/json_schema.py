"""The JSON Schemas of all records.

python -m mobench.records.json_schema docs/schema
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from mobench.records.announced_plan import ANNOUNCED
from mobench.records.answers import PublishedAnswer
from mobench.records.board import Board
from mobench.records.cells import CELL, CELL_RESULT, FINISHED_CELL, TRAINING_END
from mobench.records.examples import EXAMPLE
from mobench.records.gate import COMPATIBILITY_ANSWERS, CompatibilityRecord
from mobench.records.manifest import Manifest
from mobench.records.rows import EVAL_ANSWER, ROW

RECORDS: dict[str, TypeAdapter[Any]] = {
    "board": TypeAdapter(Board),
    "answer": TypeAdapter(PublishedAnswer),
    "manifest": TypeAdapter(Manifest),
    "cell": CELL,
    "finished-cell": FINISHED_CELL,
    "result": CELL_RESULT,
    "trained": TRAINING_END,
    "row": ROW,
    "eval-answer": EVAL_ANSWER,
    "example": EXAMPLE,
    "announced-plan": ANNOUNCED,
    "compatibility": TypeAdapter(CompatibilityRecord),
    "compatibility-answers": COMPATIBILITY_ANSWERS,
}
"""By the name of their schema's file."""


def schemas() -> dict[str, str]:
    """The text of each schema's file, by its name."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {
        f"{name}.schema.json": json.dumps(
            {"$schema": dialect, **adapter.json_schema(by_alias=True)}, indent=2
        )
        + "\n"
        for name, adapter in RECORDS.items()
    }


def write(folder: Path) -> None:
    """Writes every schema into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
