"""How many rows a batch of questions may have: fewer where memory runs out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mobench.machine.memory_errors import is_out_of_memory, let_go
from mobench.progress import Progress

T = TypeVar("T")


class Rows:
    """Rows in a batch of questions: halved where they do not fit, and remembered.

    Args:
        most: Rows to begin with.
        progress: Where it is said that fewer are tried.
    """

    def __init__(self, most: int, progress: Progress) -> None:
        self.most = most
        self.progress = progress

    def fitting(self, ask: Callable[[int], T], least: int = 1) -> T:
        """Calls ``ask`` with the rows that a batch may have, fewer each time memory runs out.

        Args:
            ask: Asks everything in batches of at most so many rows. No answer depends on how many.
            least: Rows that cannot be divided further, such as one for each lane.

        Returns:
            What ``ask`` returned.

        Raises:
            Exception: Whatever ``ask`` raises, out of memory too once there are no more than
                ``least`` rows.
        """
        while True:
            try:
                return ask(self.most)
            except Exception as error:
                if not is_out_of_memory(error) or self.most <= least:
                    raise
            let_go()
            fewer = max(least, self.most // 2)
            self.progress.note(
                f"out of memory with batches of {self.most} rows: asking again in batches of "
                f"{fewer}"
            )
            self.most = fewer
