"""Progress that is written down, and that stops a run where a test wants it stopped.

What a run does it shows, part by part: so a test sees which steps were taken, and stops a run as a
user would, without reaching into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mobench.progress import Progress, Tick

Stop = Callable[[str, int], bool]
"""Told the phase and the parts done in it so far, says whether to stop there."""


class WatchedProgress(Progress):
    """Writes down every part of every phase.

    Args:
        stop: Where to raise KeyboardInterrupt; None goes on to the end.
    """

    def __init__(self, stop: Stop | None = None) -> None:
        super().__init__(enabled=False)
        self._stop = stop
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

        yield tick

    def note(self, line: str) -> None:
        """Keeps a line."""
        self.notes.append(line)

    def steps(self) -> list[int]:
        """The training steps that were taken, in order; a pack first shows where it goes on."""
        return [done for what, done in self.parts if what.startswith("training ")]
