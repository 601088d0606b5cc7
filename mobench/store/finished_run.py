"""What is finished of a run: its manifest, the cells that have a result, and their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mobench.errors import MobenchError
from mobench.records.cells import CellRecord, FinishedCell, finished_cell
from mobench.records.manifest import Manifest
from mobench.records.rows import Row
from mobench.store.folder import RunFolder


@dataclass(frozen=True)
class FinishedRun:
    """A run as far as it is finished: what it is scored from.

    Attributes:
        manifest: Its manifest.
        cells: The finished cells of the ladder and of its controls.
        rows: Their rows, and those of the organism and its clean base before training.
        unfinished: How many planned cells are left out, controls and the longer cells of low rungs
            among them.
    """

    manifest: Manifest
    cells: tuple[FinishedCell, ...]
    rows: tuple[Row, ...]
    unfinished: int


def finished_run(folder: RunFolder) -> FinishedRun:
    """Reads what is finished of a run.

    Raises:
        MobenchError: No cell of the ladder is finished.
        Problems: A file is damaged.
    """
    manifest = folder.manifest()
    ladder = _finished(folder, manifest.ladder_cells)
    if not ladder:
        command = manifest.command or "mobench run"
        raise MobenchError(f"no cell of {folder.path} is finished yet", f"go on with: {command}")
    planned = [*manifest.ladder_cells, *manifest.control_cells]
    wanted = {cell["id"] for cell in planned} | set(manifest.longer_cells)
    unfinished = sum(not folder.cell(identity).done for identity in wanted)
    cells = (*ladder, *_finished(folder, manifest.control_cells))
    return FinishedRun(manifest, cells, _rows(folder, cells), unfinished)


def finished_ladder(
    folder: RunFolder, manifest: Manifest, cells: Sequence[CellRecord]
) -> FinishedRun:
    """Reads the named cells, whatever the manifest on disk counts.

    Args:
        folder: The run.
        manifest: Its manifest, for what is not the cells' own.
        cells: Cells, all of them finished.

    Raises:
        ValueError: A cell is not finished.
        Problems: A file is damaged.
    """
    finished = _finished(folder, cells)
    missing = {cell["id"] for cell in cells} - {cell["id"] for cell in finished}
    if missing:
        raise ValueError(f"cells {', '.join(sorted(missing))} are not finished")
    return FinishedRun(manifest, finished, _rows(folder, finished), 0)


def _finished(folder: RunFolder, cells: Iterable[CellRecord]) -> tuple[FinishedCell, ...]:
    results = [(cell, folder.cell(cell["id"]).result()) for cell in cells]
    return tuple(finished_cell(cell, result) for cell, result in results if result is not None)


def _rows(folder: RunFolder, cells: Sequence[FinishedCell]) -> tuple[Row, ...]:
    return tuple(folder.rows([cell["id"] for cell in cells]))
