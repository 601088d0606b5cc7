"""One pack: train its cells in one pass, keep their adapters, measure them, write results."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mobench.execute.applied import next_logits
from mobench.execute.measuring import LaneCheckpoints, measure_cells
from mobench.execute.prepare import Prepared
from mobench.execute.training import Stack, pack_id, stack, train_cells
from mobench.plan import Cell
from mobench.progress import Progress
from mobench.store.atomic import write_json


def run_pack(ready: Prepared, cells: Sequence[Cell], progress: Progress) -> dict[str, float]:
    """Brings every cell of a pack from wherever it is to its result, in this process.

    Returns:
        Seconds spent training and measuring.
    """
    started = time.monotonic()
    lanes = stack(ready, cells)
    untrained = next_logits(ready, lanes)
    _train(ready, cells, lanes, progress)
    trained = time.monotonic()
    checkpoints = LaneCheckpoints(ready, cells, lanes, untrained, progress)
    measure_cells(ready, cells, checkpoints, progress)
    for cell in cells:
        finish_cell(ready, cell)
    return {"train": trained - started, "measure": time.monotonic() - trained}


def train_pack(ready: Prepared, cells: Sequence[Cell], progress: Progress) -> dict[str, float]:
    """Trains a pack's cells, for another engine to measure.

    Returns:
        Seconds spent training.
    """
    started = time.monotonic()
    _train(ready, cells, stack(ready, cells), progress)
    return {"train": time.monotonic() - started}


def _train(ready: Prepared, cells: Sequence[Cell], lanes: Stack, progress: Progress) -> None:
    """Trains a pack's cells to the end, unless all of them are trained."""
    folders = [ready.folder.cell(cell.id) for cell in cells]
    if not all(folder.trained for folder in folders):
        for folder, cell in zip(folders, cells, strict=True):
            write_json(folder.path / "cell.json", cell.record())
        state = train_cells(ready, cells, lanes, progress)
        for lane, folder in enumerate(folders):
            folder.finish_training(state.diverged[lane], state.losses[lane])
    ready.folder.clear_pack(pack_id(cells))


def finish_cell(ready: Prepared, cell: Cell) -> None:
    """Writes the result of a cell that is trained and measured."""
    folder = ready.folder.cell(cell.id)
    ended = folder.training()
    died = ended.diverged_at
    folder.finish(
        {
            "schema": "mobench.result/1",
            "cell": cell.id,
            "status": "done" if died is None else "diverged",
            "diverged_at": died,
            "checkpoints": [step for step in cell.checkpoints if died is None or step < died],
            "losses": ended.losses,
        }
    )
