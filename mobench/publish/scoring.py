"""A run's folder to its score: the one way in which every command gets its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mobench.errors import MobenchError
from mobench.score import RunScore, score_run
from mobench.store import RunFolder


def score_folder(folder: RunFolder) -> tuple[RunScore, int]:
    """Scores the finished cells of a run.

    Returns:
        The score, and how many planned cells are not finished yet and left out.

    Raises:
        MobenchError: No cell is finished.
    """
    manifest = folder.manifest()
    records = [_ended(folder, cell) for cell in manifest["cells"]]
    finished = [record for record in records if record is not None]
    if not finished:
        command = manifest.get("command", "mobench run")
        raise MobenchError(f"no cell of {folder.path} is finished yet", f"go on with: {command}")
    rows = folder.rows([record["id"] for record in finished])
    score = score_run(
        rows,
        finished,
        clean_rate=manifest["organism"]["clean_rate"],
        standard_lr=manifest["ladder"]["standard_lr"],
    )
    return score, len(records) - len(finished)


def _ended(folder: RunFolder, cell: Mapping[str, Any]) -> dict[str, Any] | None:
    """A cell's record with how it ended, or None while it has not."""
    result = folder.cell(str(cell["id"])).result()
    if result is None:
        return None
    ended = {key: result[key] for key in ("status", "diverged_at", "checkpoints")}
    return {**cell, **ended}
