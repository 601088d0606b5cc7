"""Cells in packs: trained in one pass, measured, finished; in smaller packs where memory ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from mobench.execute.checkpoint_check import next_logits
from mobench.execute.measuring import LaneCheckpoints, measure_cells
from mobench.execute.prepare import Prepared
from mobench.execute.training import stack, train_cells
from mobench.lanes.stacking import CannotStack
from mobench.machine.heap import keep_freed_memory, return_freed_memory
from mobench.machine.memory_errors import is_out_of_memory, let_go
from mobench.plan.cells import Cell, packs
from mobench.plan.memory_budget import no_room
from mobench.plan.packing import Fit
from mobench.progress import Progress
from mobench.store import CellFolder
from mobench.store.atomic import write_json

OUT_OF_MEMORY = "out of memory"


def run_cells(
    ready: Prepared,
    cells: Sequence[Cell],
    fit: Fit,
    seconds: dict[str, float],
    progress: Progress,
    *,
    measure: bool,
    done: Callable[[], None],
) -> Fit:
    """Brings cells from wherever they are to their results, pack after pack.

    Where memory runs out the pack is let go, and its cells go on in a smaller way from what they
    have kept. Later packs begin with that.

    Args:
        ready: The ladder.
        cells: Cells of one budget.
        fit: How they are put into memory at first.
        seconds: Time spent is added to ``train`` and ``measure``.
        progress: Where progress is shown.
        measure: Whether they are measured here; if not they are only trained.
        done: Called after each pack.

    Returns:
        The way that fitted last.

    Raises:
        MobenchError: Not even the smallest way fits; what was measured stays.
    """

    def finished(cell: Cell) -> bool:
        return _folder(ready, cell).done if measure else _folder(ready, cell).trained

    while left := [cell for cell in cells if not finished(cell)]:
        pack = _next(ready, left, fit.pack)
        why = _attempt(ready, pack, fit, seconds, progress, measure)
        # After a pack that went well too: models hold themselves in cycles, and the next one would
        # be loaded beside them.
        let_go()
        if why is None:
            done()
        elif why == OUT_OF_MEMORY:
            fit = _smaller(ready, pack, fit, progress)
        else:
            fit = replace(fit, pack=1)
            progress.note(f"{why}: its cells are trained one after the other")
    return fit


def _next(ready: Prepared, cells: Sequence[Cell], size: int) -> tuple[Cell, ...]:
    """The next cells that can go on together: all of them trained, or none."""
    trained = _folder(ready, cells[0]).trained
    return packs([cell for cell in cells if _folder(ready, cell).trained == trained], size)[0]


def _attempt(
    ready: Prepared,
    cells: Sequence[Cell],
    fit: Fit,
    seconds: dict[str, float],
    progress: Progress,
    measure: bool,
) -> str | None:
    """Runs a pack.

    Returns:
        Why it has to be done in another way; None where it is done. Once this is back, the error
        is gone, and with it the traceback that keeps all of the pack alive.
    """
    try:
        _run_pack(ready, cells, fit, seconds, progress, measure)
    except CannotStack as error:
        return str(error)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return OUT_OF_MEMORY
    return None


def _smaller(ready: Prepared, cells: Sequence[Cell], fit: Fit, progress: Progress) -> Fit:
    """The next way to try after this pack did not fit.

    Raises:
        MobenchError: There is none.
    """
    batch = cells[0].batch_size
    tried = replace(fit, pack=len(cells))
    measuring = _folder(ready, cells[0]).trained
    smaller = tried.smaller(batch)
    if smaller is None or (measuring and len(cells) == 1):
        raise no_room(ready.asked, tried)
    progress.note(
        f"out of memory {'measuring' if measuring else 'training'} {tried.describe(batch)}: "
        f"going on with {smaller.describe(batch)}; what was kept is not done again"
    )
    return smaller


def _run_pack(
    ready: Prepared,
    cells: Sequence[Cell],
    fit: Fit,
    seconds: dict[str, float],
    progress: Progress,
    measure: bool,
) -> None:
    """Brings every cell of a pack to its result, or to the end of its training."""
    for cell in cells:
        write_json(_folder(ready, cell).path / "cell.json", cell.record())
    settle_heap(fit)
    with _timed(seconds, "train"):
        lanes = stack(ready, cells)
        untrained = next_logits(ready, lanes) if measure else None
        if not _folder(ready, cells[0]).trained:
            train_cells(ready, cells, lanes, fit, progress)
    if untrained is None:
        return
    with _timed(seconds, "measure"):
        checkpoints = LaneCheckpoints(ready, cells, lanes, untrained, progress)
        measure_cells(ready, cells, checkpoints, progress)
        for cell in cells:
            finish_cell(ready, cell)


def settle_heap(fit: Fit) -> None:
    """Sets what becomes of freed memory: kept for speed, returned where memory is scarce."""
    if fit.tight:
        return_freed_memory()
    else:
        keep_freed_memory()


def finish_cell(ready: Prepared, cell: Cell) -> None:
    """Writes the result of a cell that is trained and measured."""
    folder = _folder(ready, cell)
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


def _folder(ready: Prepared, cell: Cell) -> CellFolder:
    return ready.folder.cell(cell.id)


@contextmanager
def _timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    """Adds the time of the block, whether it ends well or not."""
    started = time.monotonic()
    try:
        yield
    finally:
        seconds[phase] += time.monotonic() - started
