"""What is finished of a run: its manifest, the cells that have a result, and their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mobench.errors import MobenchError, Problems
from mobench.records.cells import CellRecord, FinishedCell, finished_cell
from mobench.records.examples import EXAMPLE
from mobench.records.manifest import Manifest
from mobench.records.names import ORGANISM, UNTRAINED
from mobench.records.rows import Row
from mobench.records.short_hash import short_hash
from mobench.store.folder import RunFolder
from mobench.store.rows import read_records, run_again


@dataclass(frozen=True)
class FinishedRun:
    """A run as far as it is finished: what it is scored from.

    Attributes:
        manifest: Its manifest.
        cells: The finished cells of the ladder and of its controls.
        rows: Their rows, and those of the organism and its clean base before training.
        unfinished: Ids of planned cells that are left out, controls and the longer cells of low
            rungs among them.
        not_listed: How many of its cells are from before a cell listed its files: whether their
            rows are what was written is not known.
    """

    manifest: Manifest
    cells: tuple[FinishedCell, ...]
    rows: tuple[Row, ...]
    unfinished: tuple[str, ...]
    not_listed: int = 0


def finished_run(folder: RunFolder) -> FinishedRun:
    """Reads what is finished of a run.

    Raises:
        MobenchError: No cell of the ladder is finished.
        Problems: Files are damaged: each is named.
    """
    manifest = folder.manifest()
    _refuse_damaged(folder, manifest)
    ladder = _finished(folder, manifest.ladder_cells)
    if not ladder:
        command = manifest.command or "mobench run"
        raise MobenchError(f"no cell of {folder.path} is finished yet", f"go on with: {command}")
    planned = [*manifest.ladder_cells, *manifest.control_cells]
    wanted = [*(cell["id"] for cell in planned), *manifest.longer_cells]
    unfinished = tuple(one for one in dict.fromkeys(wanted) if not folder.cell(one).done)
    cells = (*ladder, *_finished(folder, manifest.control_cells))
    not_listed = sum(not folder.cell(cell["id"]).is_listed for cell in cells)
    return FinishedRun(manifest, cells, _rows(folder, cells), unfinished, not_listed)


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
    return FinishedRun(manifest, finished, _rows(folder, finished), ())


def _refuse_damaged(folder: RunFolder, manifest: Manifest) -> None:
    """Looks at everything but the rows, which are looked at where they are read.

    Raises:
        Problems: Something is not what was written.
    """
    problems: list[str] = []
    planned = [*manifest.ladder_cells, *manifest.control_cells]
    for cell in (folder.cell(identity) for identity in {cell["id"]: 0 for cell in planned}):
        try:
            found = {**cell.faults(), **cell.row_faults()} if cell.done else {}
        except Problems as error:
            problems += error.problems
            continue
        problems += [f"{file}: {what}" for file, what in found.items()]
    for who in UNTRAINED:
        reference = folder.reference(who)
        problems += [f"{file}: {what}" for file, what in reference.row_faults().items()]
    if not any((folder.reference(ORGANISM).path / "rows").glob("*.jsonl")):
        problems.append(f"{folder.reference(ORGANISM).path}: its rows before training are missing")
    problems += _other_examples(folder, manifest)
    if problems:
        raise Problems(problems, run_again(manifest.command))


def _other_examples(folder: RunFolder, manifest: Manifest) -> list[str]:
    """Whether the examples in the folder are those that the manifest names."""
    named = [(folder.examples(), manifest.task.examples_hash)]
    if manifest.reversal is not None:
        named.append((folder.undoing(), manifest.reversal.examples_hash))
    problems: list[str] = []
    for file, expected in named:
        if expected is None or not file.is_file():
            continue
        try:
            found = short_hash([dict(record) for record in read_records(file, EXAMPLE)])
        except Problems as error:
            problems += error.problems
            continue
        if found != expected:
            problems.append(f"{file}: these are not the examples that were trained on")
    return problems


def _finished(folder: RunFolder, cells: Iterable[CellRecord]) -> tuple[FinishedCell, ...]:
    results = [(cell, folder.cell(cell["id"]).result()) for cell in cells]
    return tuple(finished_cell(cell, result) for cell, result in results if result is not None)


def _rows(folder: RunFolder, cells: Sequence[FinishedCell]) -> tuple[Row, ...]:
    return tuple(folder.rows([cell["id"] for cell in cells]))
