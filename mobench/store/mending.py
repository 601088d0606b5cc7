"""Takes back what no longer is as it was written, so that a run makes it again.

Rows that do not fit are measured again, weights that do not fit are trained again: then the whole
cell is begun anew, and with it whatever went on from its weights.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

from mobench.errors import MobenchError
from mobench.records.cells import CELL
from mobench.records.names import UNTRAINED
from mobench.records.reading import read_json
from mobench.store.cell_folder import CellFolder
from mobench.store.claims import Claims
from mobench.store.folder import RunFolder

NOT_LISTED = ".not-listed"
"""What the name of a file ends with that lay among the rows and was never written by a run."""


def mend(folder: RunFolder) -> list[str]:
    """Makes a run folder fit to be gone on with.

    Args:
        folder: A run's folder, which need not be there yet.

    Returns:
        What was found, a line for each file, with what is done about it.
    """
    # What another process is at work on is not whole, and is none of this one's.
    with closing(Claims(folder.claims())) as claims:
        return _mend(folder, claims)


def _mend(folder: RunFolder, claims: Claims) -> list[str]:
    notes = _unreadable_manifest(folder)
    anew: set[str] = set()
    for who in UNTRAINED:
        if folder.reference(who).path.is_dir() and claims.take(f"untrained-{who}"):
            notes += _take_back_rows(folder.reference(who))
    for cell in folder.cells():
        if claims.take(cell.path.name):
            found, start_over = _mend_cell(cell)
            notes += found
            if start_over:
                anew.add(cell.path.name)
            else:
                claims.let_go(cell.path.name)
    for name in _with_relatives(folder, anew):
        if claims.take(name):
            if name not in anew:
                notes.append(f"{folder.cell(name).path}: trained again, as what it goes on from is")
            shutil.rmtree(folder.cell(name).path)
    return notes


def start_over(folder: RunFolder, cell: CellFolder) -> None:
    """Removes a cell, and those whose weights depend on it or that it depends on."""
    for name in _with_relatives(folder, {cell.path.name}):
        shutil.rmtree(folder.cell(name).path, ignore_errors=True)


def _unreadable_manifest(folder: RunFolder) -> list[str]:
    """Removes a manifest that cannot be read: a run writes it anew."""
    if not folder.manifest_path.is_file():
        return []
    try:
        folder.manifest()
    except MobenchError as error:
        folder.manifest_path.unlink()
        return [f"{_first(error)}; it is written anew, and time spent so far is not counted"]
    return []


def _mend_cell(cell: CellFolder) -> tuple[list[str], bool]:
    """What is wrong with a cell, and whether it has to be trained again."""
    notes: list[str] = []
    try:
        cell.result()
    except MobenchError as error:
        notes.append(f"{_first(error)}; taken back, what it was written from is looked at")
        cell.result_path.unlink()
    faults = cell.faults()
    if not cell.trained and not cell.done:
        # A pack in progress knows its own checkpoints: `mobench.execute.resume`.
        faults = {file: what for file, what in faults.items() if "adapters" not in file.parts}
    identity = cell.path / "cell.json"
    weights = [file for file in faults if file != identity]
    if weights:
        why = [f"{file}: {faults[file]}; the cell is trained again" for file in weights]
        return notes + why, True
    lost = _lost_checkpoints(cell)
    rows = _take_back_rows(cell)
    if lost:
        return notes + rows + [f"{cell.path}: its checkpoints were not kept; trained again"], True
    notes += rows
    if identity in faults:
        notes.append(f"{identity}: {faults[identity]}; it is written again")
    if cell.trained and not cell.done:
        notes += _unreadable_training(cell)
        if not cell.trained:
            return notes, True
    if rows or identity in faults:
        cell.result_path.unlink(missing_ok=True)
    return notes, False


def _unreadable_training(cell: CellFolder) -> list[str]:
    """Takes back the note of how training ended, where it cannot be read."""
    try:
        cell.training()
    except MobenchError as error:
        (cell.path / "trained.json").unlink()
        return [f"{_first(error)}; the cell is trained again"]
    return []


def _take_back_rows(cell: CellFolder) -> list[str]:
    """Removes rows that are not what was written; what was never written is moved aside."""
    notes = []
    for file, what in cell.row_faults().items():
        if file.is_file() and cell.kept.name(file) not in (cell.kept.listed() or {}) and cell.done:
            file.rename(file.with_name(file.name + NOT_LISTED))
            notes.append(f"{file}: {what}; moved to {file.name}{NOT_LISTED}")
            continue
        cell.kept.forget(file)
        file.unlink(missing_ok=True)
        notes.append(f"{file}: {what}; measured again")
    return notes


def _lost_checkpoints(cell: CellFolder) -> list[int]:
    """Steps that have to be measured again, and whose checkpoints are not there any more."""
    steps = (file.name.partition("-")[0] for file in cell.row_faults())
    return [
        int(step)
        for step in steps
        if step.isdigit() and not any(cell.adapter(int(step)).glob("*.safetensors"))
    ]


def _with_relatives(folder: RunFolder, names: set[str]) -> list[str]:
    """Cells, those that go on from them, and those that a cooldown among them goes on from.

    A cooldown goes on with moments that are gone once it is trained.
    """
    about = {cell.path.name: _identity(cell.path) for cell in folder.cells()}
    found, new = set(names), set(names)
    while new:
        more = {name for name, (parent, _) in about.items() if parent in new}
        more |= {
            parent
            for parent, arm in (about.get(name, (None, "")) for name in new)
            if parent is not None and arm == "cooldown"
        }
        new = {name for name in more if name in about} - found
        found |= new
    return sorted(found)


def _identity(path: Path) -> tuple[str | None, str]:
    """What a cell goes on from, and its arm."""
    try:
        record = read_json(path / "cell.json", CELL, "")
    except (OSError, MobenchError):
        return None, ""
    return record.get("parent"), record.get("arm", "")


def _first(error: MobenchError) -> str:
    """The first problem that an error tells."""
    problems = getattr(error, "problems", None)
    return str(problems[0]) if problems else error.fact
