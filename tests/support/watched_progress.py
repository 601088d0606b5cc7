"""Progress that is written down, and that ends a run where a test wants it ended.

What a run does it shows, part by part: so a test sees which steps were taken, and stops a run as a
user would, or as a machine without memory does, without reaching into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from mobench.progress import Progress, Tick

Where = Callable[[str, int], bool]
"""From the phase and the parts done in it so far: whether this is the place."""


class WatchedProgress(Progress):
    """Writes down every part of every phase.

    Args:
        stop: Where to raise KeyboardInterrupt; None goes on to the end.
        out_of_memory: Where memory does not suffice; None if it does everywhere.
    """

    def __init__(self, stop: Where | None = None, out_of_memory: Where | None = None) -> None:
        super().__init__(enabled=False)
        self._stop, self._out_of_memory = stop, out_of_memory
        self.phases: list[str] = []
        self.open: list[str] = []
        self.parts: list[tuple[str, int]] = []
        self.notes: list[str] = []

    @contextmanager
    def phase(self, what: str, total: int) -> Iterator[Tick]:
        """Counts the parts of a phase."""
        del total
        done = 0

        def tick(count: int = 1, detail: str = "") -> None:
            nonlocal done
            del detail
            done += count
            self.parts.append((what, done))
            if self._stop is not None and self._stop(what, done):
                raise KeyboardInterrupt
            if self._out_of_memory is not None and self._out_of_memory(what, done):
                allocate_too_much()

        self.phases.append(what)
        self.open.append(what)
        try:
            yield tick
        finally:
            self.open.pop()

    def warn(self, line: str) -> None:
        """Keeps a line that must not be missed."""
        self.note(line)

    def note(self, line: str) -> None:
        """Keeps a line."""
        self.notes.append(line)

    def steps(self) -> list[int]:
        """The training steps that were taken, in order; a pack first shows where it goes on."""
        return [done for what, done in self.parts if what.startswith("training ")]


def allocate_too_much() -> None:
    """Fails as an allocation does for which no machine has the memory."""
    torch.empty(2**50)
