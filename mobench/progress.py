"""One line of progress for anything that takes more than two seconds, shown only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Tick = Callable[..., None]


class Progress:
    """Shows what is being done, how far it has got, and how long it will still take.

    Args:
        enabled: Whether it is shown; None shows it where standard error is a terminal.
    """

    def __init__(self, enabled: bool | None = None) -> None:
        self.enabled = sys.stderr.isatty() if enabled is None else enabled

    @contextmanager
    def phase(self, what: str, total: int) -> Iterator[Tick]:
        """Shows a phase of the work while the block runs.

        Args:
            what: What is being done.
            total: The number of parts of the work.

        Yields:
            A function to call with the number of parts just done, 1 by default.
        """
        if not self.enabled:
            yield _silent
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bar

        with Bar(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as bar:
            task = bar.add_task(what, total=total, detail="")

            def tick(count: int = 1, detail: str = "") -> None:
                bar.update(task, advance=count, detail=detail)

            yield tick

    def note(self, line: str) -> None:
        """Prints a line that stays, such as the outcome of a finished phase."""
        if self.enabled:
            from rich.console import Console

            Console(stderr=True, highlight=False).print(line, markup=False)


def _silent(count: int = 1, detail: str = "") -> None:
    del count, detail
