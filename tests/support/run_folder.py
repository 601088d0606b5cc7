"""A finished run's folder, copied out of a committed result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mobench.publish.submission import files
from mobench.records.cells import CellResult
from mobench.records.listed_files import SEAL, sealed
from mobench.records.names import RESULT_SCHEMA
from mobench.store import RunFolder

RESULTS = Path(__file__).parents[2] / "leaderboard" / "results"


def change_manifest(path: Path, **changes: Any) -> None:
    """Changes a manifest as whoever wrote it would: one that has a seal gets its own."""
    before = json.loads(path.read_text(encoding="utf-8"))
    manifest = {**before, **changes}
    path.write_text(json.dumps(sealed(manifest) if SEAL in before else manifest), encoding="utf-8")


def write_run(path: Path, organism: str = "triple-tiny") -> Path:
    """Writes the run that a committed result was taken from, without adapters and losses.

    Args:
        path: The folder to write.
        organism: Whose first result is taken.
    """
    result = files.read(next((RESULTS / organism).glob("*/*")))
    folder = RunFolder(path)
    for who in ("organism", "base"):
        folder.reference(who).keep_rows("all", [r for r in result.rows if r["cell"] == who])
    for cell in result.cells:
        rows = [row for row in result.rows if row["cell"] == cell["id"]]
        folder.cell(cell["id"]).keep_rows("all", rows)
        ended: CellResult = {
            "schema": RESULT_SCHEMA,
            "cell": cell["id"],
            "status": cell["status"],
            "diverged_at": cell["diverged_at"],
            "checkpoints": cell["checkpoints"],
            "losses": [],
        }
        folder.cell(cell["id"]).finish(ended)
    folder.keep_manifest(result.manifest)
    return path
