"""Work that is handed out to whoever is free: this process, or others on the same run folder.

A run follows from what is finished, so every process comes to the same cells. Each takes some that
nobody is at work on, and where none is left it waits for the others, or takes over from one that is
gone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from mobench.execute.arms import Arm
from mobench.progress import Progress
from mobench.records.cells import Cell
from mobench.store import CellFolder, RunFolder
from mobench.store.claims import Claims, this_process

PAUSE = 1.0
"""Seconds between two looks at what others have finished."""
WORKER = "worker-"
"""What the claim of a process that is at work begins with."""


class SharedWork:
    """What is left of a run, and who is at work on it.

    Args:
        folder: The run's folder.
        progress: Where waiting is shown.
    """

    def __init__(self, folder: RunFolder, progress: Progress) -> None:
        self._claims, self._progress = Claims(folder.claims()), progress
        self._claims.take(f"{WORKER}{this_process().id}")

    def close(self) -> None:
        """Lets go of everything that this process has claimed."""
        self._claims.close()

    def next_pack(
        self,
        arms: Sequence[Arm],
        finished: Callable[[CellFolder], bool],
        together: Callable[[Arm, list[Cell]], Sequence[Cell]],
    ) -> Arm | None:
        """Claims the next cells that can be worked on together; waits where others have all.

        Args:
            arms: Whose cells are to be finished, the first arm's first.
            finished: Whether nothing is left to do in a cell's folder.
            together: Takes an arm and its unfinished cells, and returns the first of them that go
                together, as many as one process would take.

        Returns:
            The cells, to be worked on under :meth:`claimed`; None once all are finished.
        """
        waiting = False
        while left := _left(arms, finished):
            taken = self._claims.of_others()
            workers = 1 + sum(name.startswith(WORKER) for name in taken)
            most = math.ceil(sum(len(arm.cells) for arm in left) / workers)
            for arm in left:
                free = [cell for cell in arm.cells if cell.id not in taken]
                wanted = together(arm, free)[:most] if free else ()
                cells = [cell for cell in wanted if self._claim(arm.folder(cell), finished)]
                if cells:
                    return arm.of(cells)
            if not waiting:
                self._progress.note("waiting for cells that other processes are at work on")
                waiting = True
            time.sleep(PAUSE)
        return None

    @contextmanager
    def claimed(self, pack: Arm) -> Iterator[None]:
        """Lets go of a pack's cells when the block ends, however it does."""
        with self._claims.held([cell.id for cell in pack.cells]):
            yield

    def once(self, name: str, done: Callable[[], bool], do: Callable[[], None]) -> None:
        """Does what one process is enough for, or waits until another has done it.

        Args:
            name: Of the claim.
            done: Whether it is done.
            do: Does it.
        """
        waiting = False
        while not done():
            if self._claims.take(name):
                with self._claims.held([name]):
                    if not done():
                        do()
                return
            if not waiting:
                self._progress.note(f"waiting for another process: {name.replace('-', ' ')}")
                waiting = True
            time.sleep(PAUSE)

    def _claim(self, folder: CellFolder, finished: Callable[[CellFolder], bool]) -> bool:
        """Claims a cell, unless another has, or has finished it since it was looked at."""
        name = folder.path.name
        if not self._claims.take(name):
            return False
        if finished(folder):
            self._claims.let_go(name)
            return False
        return True


def _left(arms: Sequence[Arm], finished: Callable[[CellFolder], bool]) -> list[Arm]:
    """The arms with what is not finished of them."""
    unfinished = [arm.of(c for c in arm.cells if not finished(arm.folder(c))) for arm in arms]
    return [arm for arm in unfinished if arm.cells]
