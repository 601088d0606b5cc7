"""Cells in packs: trained in one pass, measured, finished; in smaller packs where memory ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mobench.execute.arms import Arm
from mobench.execute.going_on import shorter_of
from mobench.execute.held_model import HeldModel
from mobench.execute.measurement import Checkpoints, Engine, measure_cells
from mobench.execute.run_record import RunRecord
from mobench.execute.shared_work import SharedWork
from mobench.execute.tracking import track
from mobench.execute.training import stack, train_cells
from mobench.lanes.stacking import CannotStack
from mobench.machine.heap import keep_freed_memory, return_freed_memory
from mobench.machine.memory_errors import free_memory, is_out_of_memory
from mobench.plan.packing import Packing, out_of_memory_error, split_into_packs
from mobench.progress import Progress
from mobench.records.cells import Cell, cell_result
from mobench.store import CellFolder
from mobench.store.atomic import write_json
from mobench.store.cell_folder import DamagedFile
from mobench.store.kept_adapters import keep_adapters
from mobench.store.mending import start_over

OUT_OF_MEMORY = "out of memory"


class PackRunner:
    """Brings cells from wherever they are to their results, pack after pack.

    Where memory runs out the pack is let go, and its cells go on in a smaller way from what they
    have kept. Later packs begin with that.

    Args:
        work: Hands out the cells.
        engine: What measures the packs.
        held: Loads their models.
        packing: How cells are put into memory at first.
        record: Notes what is finished and how long it took.
        progress: Where progress is shown.
    """

    def __init__(
        self,
        work: SharedWork,
        engine: Engine,
        held: HeldModel,
        packing: Packing,
        record: RunRecord,
        progress: Progress,
    ) -> None:
        self._work, self._engine, self._packing = work, engine, packing
        self._held = held
        self._record, self._progress = record, progress
        self._taken_back: set[CellFolder] = set()

    def run(self, arms: Sequence[Arm]) -> None:
        """Trains cells, and measures each pack where its engine does so at once.

        It is back when all are finished, some of them by other processes perhaps.

        Args:
            arms: Cells of one budget each.

        Raises:
            MobenchError: Not even the smallest way fits; what was measured stays.
        """
        while (pack := self._work.next_pack(arms, self._is_finished, self._together)) is not None:
            with self._work.claimed(pack):
                problem = self._attempt(pack)
            if problem is not None:
                self._held.drop()  # Nobody knows what became of it.
            # After a pack that went well too: lanes hold themselves in cycles, and the next ones
            # would lie beside them.
            free_memory()
            if problem is None:
                self._record.keep()
            elif isinstance(problem, DamagedFile):
                self._begin_anew(pack, problem)
            elif problem == OUT_OF_MEMORY:
                self._packing = self._smaller(pack)
            else:
                self._packing = replace(self._packing, pack=1)
                self._progress.note(f"{problem}: its cells are trained one after the other")
        if self._engine.checkpoints is None:
            self._held.drop()  # Another process measures, and needs the memory.

    def _together(self, arm: Arm, cells: list[Cell]) -> tuple[Cell, ...]:
        """The first cells of an arm that go into one pack."""
        return _next_pack(arm, cells, self._packing.pack)

    def _is_finished(self, folder: CellFolder) -> bool:
        """Whether nothing is left to do for a cell, as far as packs go."""
        return folder.trained if self._engine.checkpoints is None else folder.done

    def _attempt(self, pack: Arm) -> str | DamagedFile | None:
        """Runs a pack.

        Returns:
            Why it has to be done in another way; None where it is done. Once this is back, the
            error is gone, and with it the traceback that keeps all of the pack alive.
        """
        try:
            self._run_pack(pack)
        except CannotStack as error:
            return str(error)
        except DamagedFile as error:
            return error.with_traceback(None)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return OUT_OF_MEMORY
        return None

    def _run_pack(self, pack: Arm) -> None:
        """Brings every cell of a pack to its result, or to the end of its training."""
        for cell in pack.cells:
            write_json(pack.folder(cell).path / "cell.json", cell.record())
        settle_heap(self._packing)
        checkpoints: Checkpoints | None = None
        with self._record.timed("train"):
            lanes = stack(pack, self._held)
            if self._engine.checkpoints is not None:
                checkpoints = self._engine.checkpoints(pack, lanes)
            if not pack.folder(pack.cells[0]).trained:
                train_cells(pack, lanes, self._packing, self._progress)
        if checkpoints is not None:
            with self._record.timed("measure"):
                measure_cells(pack, checkpoints, self._progress)
                for cell in pack.cells:
                    finish_cell(pack, cell)
        self._held.give_back(lanes)

    def _begin_anew(self, pack: Arm, damaged: DamagedFile) -> None:
        """Takes a cell back whose checkpoint is not what was written.

        Raises:
            DamagedFile: It is not a cell of this pack, or was taken back before.
        """
        folder = pack.ladder.folder
        cell = folder.cell_of(damaged.path)
        if cell is not None and damaged.path == cell.moments_path and pack.cells[0].parent is None:
            # A longer run that cannot go on from the shorter one begins at its first step.
            cell.forget_moments()
            self._progress.warn(f"{damaged.problems[0]}; its longer run begins anew")
            return
        if cell is not None:
            start_over(folder, cell)
        if cell is None or cell in self._taken_back or cell not in map(pack.folder, pack.cells):
            raise damaged
        self._taken_back.add(cell)
        self._progress.warn(f"{damaged.problems[0]}; the cell is trained again")

    def _smaller(self, pack: Arm) -> Packing:
        """The next way to try after this pack did not fit.

        Raises:
            MobenchError: There is none.
        """
        request, batch_size = pack.ladder.request, pack.cells[0].batch_size
        tried = replace(self._packing, pack=len(pack.cells))
        measuring = pack.folder(pack.cells[0]).trained
        smaller = tried.smaller(batch_size, request.device)
        if smaller is None or (measuring and len(pack.cells) == 1):
            raise out_of_memory_error(request.spec, request.preset, request.device, tried)
        self._progress.note(
            f"out of memory {'measuring' if measuring else 'training'} "
            f"{tried.describe(batch_size)}: going on with {smaller.describe(batch_size)}; "
            "what was kept is not done again"
        )
        return smaller


def _next_pack(arm: Arm, cells: list[Cell], size: int) -> tuple[Cell, ...]:
    """The next cells that can go on together: all of them trained, or all to begin at one step."""

    def begins(cell: Cell) -> int | None:
        if arm.folder(cell).trained:
            return None
        shorter = shorter_of(arm, cell)
        return 0 if shorter is None else shorter.steps

    first = begins(cells[0])
    alike = [cell for cell in cells if begins(cell) == first]
    return split_into_packs(alike, size)[0]


def settle_heap(packing: Packing) -> None:
    """Sets what becomes of freed memory: kept for speed, returned where memory is scarce."""
    if packing.tight:
        return_freed_memory()
    else:
        keep_freed_memory()


def finish_cell(arm: Arm, cell: Cell) -> None:
    """Writes the result of a cell that is trained and measured, and lets unwanted checkpoints go.

    The last one stays until the run is finished, whatever is wanted: a reversal goes on from it.
    """
    folder = arm.folder(cell)
    folder.finish(cell_result(cell, folder.training()))
    if arm.ladder.request.options.track is not None:
        track(arm.ladder.request.options.track, arm, cell)
    if arm.ladder.request.options.keep_adapters != "all":
        keep_adapters(folder, [max(cell.checkpoints)])
