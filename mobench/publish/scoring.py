"""A run's folder to its score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mobench.errors import MobenchError
from mobench.publish.pages.entry import rescore
from mobench.score import RunScore
from mobench.store import RunFolder

#: How a cell ended; what it was asked to be stands in its identity.
ENDED = ("status", "diverged_at", "checkpoints")


def score_folder(folder: RunFolder) -> tuple[RunScore, int]:
    """Scores the finished cells of a run.

    Returns:
        The score, and how many planned cells are not finished yet and left out, controls and
        those of longer runs of low rungs among them.

    Raises:
        MobenchError: No cell is finished.
    """
    manifest = folder.manifest()
    finished = _finished(folder, manifest["cells"])
    if not finished:
        command = manifest.get("command", "mobench run")
        raise MobenchError(f"no cell of {folder.path} is finished yet", f"go on with: {command}")
    beside = manifest.get("controls") or []
    planned = {str(cell["id"]) for cell in [*manifest["cells"], *beside]}
    pending = planned | set(longer_cells(manifest))
    missing = sum(not folder.cell(identity).done for identity in pending)
    return _score(folder, manifest, finished + _finished(folder, beside)), missing


def score_cells(
    folder: RunFolder, manifest: Mapping[str, Any], cells: Sequence[Mapping[str, Any]]
) -> RunScore:
    """Scores the cells that are named, whatever the manifest on disk counts.

    Args:
        folder: The run.
        manifest: Its manifest, for what is not the cells' own.
        cells: Cell records, all of them finished.

    Raises:
        ValueError: A cell is not finished.
    """
    records = []
    for cell in cells:
        record = _ended(folder, cell)
        if record is None:
            raise ValueError(f"cell {cell['id']} is not finished")
        records.append(record)
    return _score(folder, manifest, records)


def longer_cells(manifest: Mapping[str, Any]) -> list[str]:
    """Ids of the cells by which the manifest extends low rungs; none without that option."""
    return [str(cell) for longer in manifest.get("extensions") or () for cell in longer["cells"]]


def _score(
    folder: RunFolder, manifest: Mapping[str, Any], finished: Sequence[Mapping[str, Any]]
) -> RunScore:
    return rescore(manifest, finished, folder.rows([str(record["id"]) for record in finished]))


def _finished(folder: RunFolder, cells: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    records = [_ended(folder, cell) for cell in cells]
    return [record for record in records if record is not None]


def _ended(folder: RunFolder, cell: Mapping[str, Any]) -> dict[str, Any] | None:
    """A cell's record with how it ended, or None while it has not."""
    result = folder.cell(str(cell["id"])).result()
    if result is None:
        return None
    return {**cell, **{key: result[key] for key in ENDED}}
