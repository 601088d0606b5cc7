"""The size of a batch of prompts, which is halved where memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from mobench.machine.memory_errors import free_memory, is_out_of_memory
from mobench.progress import Progress

T = TypeVar("T")
Kept = dict[int, tuple[list[int], ...]]
"""Answers by the number of their prompt: token ids of each lane."""


class Answered:
    """What models answered before memory ran out, so that the next try does not ask it again."""

    def __init__(self) -> None:
        self._of: dict[Hashable, Kept] = {}

    def of(self, questions: Hashable) -> Kept:
        """Returns the answers to one list of questions, to which answers can be added."""
        return self._of.setdefault(questions, {})


class BatchSize:
    """The number of rows in a batch: halved where they do not fit into memory, and remembered.

    Args:
        rows: The rows to begin with.
        progress: Where a note says that fewer rows are tried.
    """

    def __init__(self, rows: int, progress: Progress) -> None:
        self.rows = rows
        self.progress = progress

    def within_memory(self, compute: Callable[[int], T], least: int = 1) -> T:
        """Calls ``compute`` with the rows of a batch, with fewer each time memory runs out.

        Args:
            compute: Computes everything in batches of at most the rows that it is given. What it
                returns must not depend on their number.
            least: Rows that cannot be divided further, such as one for each lane.

        Returns:
            What ``compute`` returned.

        Raises:
            Exception: Whatever ``compute`` raises; out of memory too, once there are no more than
                ``least`` rows.
        """
        while True:
            try:
                return compute(self.rows)
            except Exception as error:
                if not is_out_of_memory(error) or self.rows <= least:
                    raise
            free_memory()
            fewer = max(least, self.rows // 2)
            self.progress.note(
                f"out of memory with batches of {self.rows} rows: asking again in batches of "
                f"{fewer}"
            )
            self.rows = fewer
