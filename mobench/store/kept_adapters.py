"""Which checkpoints of a cell stay once it is measured, and how exactly."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from mobench.records.listed_files import SEAL, sealed
from mobench.records.reading import parsed
from mobench.store.atomic import write_json
from mobench.store.cell_folder import AS_ADAPTER, AS_MODEL, CellFolder, weights_in
from mobench.store.kept import on_disk
from mobench.store.rows import RUN_AGAIN
from mobench.store.tensors import round_tensors, write_tensors


def keep_adapters(cell: CellFolder, steps: Iterable[int], *, rounded: bool = False) -> None:
    """Removes all other checkpoints of a cell that is done.

    The result comes first to list what is kept, so that whoever is stopped in between leaves
    a whole cell with some files that nothing needs.

    Args:
        cell: The cell's folder.
        steps: Those that stay.
        rounded: Whether they stay as bfloat16 copies alone, which a run never goes on from.

    Raises:
        Problems: The result is damaged.
    """
    result = cell.result()
    if result is None:
        return
    there = [step for step in steps if weights_in(cell.adapter(step)).is_file()]
    copies = {file: on_disk(file) for step in there * rounded for file in _rounded(cell, step)}
    kept = set() if rounded else {cell.adapter(step).name for step in there}
    folders = [one for one in sorted((cell.path / "adapters").glob("*")) if one.name not in kept]
    if not folders:
        return
    gone = [file for folder in folders for file in sorted(folder.glob("*"))]
    if "files" in result:
        names = {cell.kept.name(file) for file in gone}
        listed = {name: one for name, one in result["files"].items() if name not in names}
        listed |= {cell.kept.name(file): one for file, one in copies.items()}
        rest = {key: value for key, value in result.items() if key != SEAL}
        write_json(cell.result_path, sealed({**rest, "files": dict(sorted(listed.items()))}))
    cell.kept.forget(*gone)
    cell.kept.keep(*copies)
    for folder in folders:
        shutil.rmtree(folder)


def _rounded(cell: CellFolder, step: int) -> list[Path]:
    """Writes a checkpoint's bfloat16 copy.

    Raises:
        DamagedFile: The checkpoint is damaged.
    """
    weights, folder = weights_in(cell.adapter(step)), cell.path / "rounded" / f"step-{step:06d}"
    about = folder / dict((AS_ADAPTER, AS_MODEL))[weights.name]
    config = dict(parsed(cell.adapter(step) / about.name, RUN_AGAIN))
    write_json(about, {**config, **({"dtype": "bfloat16"} if "dtype" in config else {})})
    write_tensors(folder / weights.name, round_tensors(cell.read_adapter(step)))
    return [about, folder / weights.name]
