"""One pack: train its cells in one pass, keep their adapters, measure them, write results."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mobench.execute.measuring import measure_cells
from mobench.execute.prepare import Prepared
from mobench.execute.training import pack_id, stack, train_cells
from mobench.plan import Cell
from mobench.progress import Progress
from mobench.store.atomic import write_json


def run_pack(ready: Prepared, cells: Sequence[Cell], progress: Progress) -> dict[str, float]:
    """Brings every cell of a pack from wherever it is to its result.

    Returns:
        Seconds spent training and measuring.
    """
    for cell in cells:
        write_json(ready.folder.cell(cell.id).path / "cell.json", cell.record())
    lanes = stack(ready, cells)
    started = time.monotonic()
    state = train_cells(ready, cells, lanes, progress)
    trained = time.monotonic()
    measure_cells(ready, cells, lanes, state, progress)
    for lane, cell in enumerate(cells):
        diverged = state.diverged[lane]
        ready.folder.cell(cell.id).finish(
            {
                "schema": "mobench.result/1",
                "cell": cell.id,
                "status": "done" if diverged is None else "diverged",
                "diverged_at": diverged,
                "checkpoints": [s for s in cell.checkpoints if diverged is None or s < diverged],
                "losses": state.losses[lane],
            }
        )
    ready.folder.clear_pack(pack_id(cells))
    return {"train": trained - started, "measure": time.monotonic() - trained}
