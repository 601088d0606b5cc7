"""Running out of memory: how it shows, how to let go, and fewer rows at a time."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

import torch

from mobench.progress import Progress

T = TypeVar("T")

_SAID = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",  # the same on Windows
    "MPS backend out of memory",
)
"""What torch says where it has no error type of its own for it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that there was not enough memory, on whatever device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error) for said in _SAID)


def let_go() -> None:
    """Gives back what nothing refers to any more.

    Call it after the ``except`` block: inside, the error's traceback keeps every tensor of every
    frame alive.
    """
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


class Rows:
    """How many rows a batch of questions may have: halved where they do not fit, and remembered.

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
