"""One line of progress for anything that takes more than two seconds.

On a terminal it is a bar. Where standard error goes to a file or another program, plain lines say
the same from time to time, so that a log tells how far a run has got and how long it still takes.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from typing import TextIO

from mobench.errors import MobenchError

Tick = Callable[..., None]

SECONDS = "MOBENCH_PROGRESS_SECONDS"
"""The environment variable that says how often a plain line is printed; 0: never."""
DEFAULT_SECONDS = 30.0
UNTOLD = 2.0
"""What is over within so many seconds is not worth a line."""


class Progress:
    """Shows what is being done, how far it has got, and how long it will still take.

    Args:
        enabled: Whether it is shown; None shows a bar where standard error is a terminal, and
            plain lines where it is not.

    Raises:
        MobenchError: ``MOBENCH_PROGRESS_SECONDS`` is no number of seconds.
    """

    def __init__(self, enabled: bool | None = None) -> None:
        terminal = sys.stderr.isatty() if enabled is None else enabled
        seconds = _line_seconds() if enabled is None and not terminal else 0.0
        self.enabled = terminal or seconds > 0
        self._seconds = None if terminal else seconds

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
        elif self._seconds is None:
            with _bar(what, total) as tick:
                yield tick
        else:
            with _plain_lines(what, total, seconds=self._seconds) as tick:
                yield tick

    def note(self, line: str) -> None:
        """Prints a line that stays, such as the outcome of a finished phase."""
        if not self.enabled:
            return
        if self._seconds is None:
            from rich.console import Console

            Console(stderr=True, highlight=False).print(line, markup=False)
        else:
            _print(line, sys.stderr)

    def warn(self, line: str) -> None:
        """Prints a line that must not be missed, whether or not progress is shown."""
        if self.enabled:
            self.note(line)
        else:
            _print(line, sys.stderr)


def _silent(count: int = 1, detail: str = "") -> None:
    del count, detail


@contextmanager
def _bar(what: str, total: int) -> Iterator[Tick]:
    """A bar that vanishes when the phase is over."""
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


@contextmanager
def _plain_lines(what: str, total: int, *, seconds: float) -> Iterator[Tick]:
    """Whole lines, from a thread of their own: a phase may be long between two of its parts.

    Args:
        what: What is being done.
        total: The number of parts.
        seconds: Between two lines.
    """
    phase = _Phase(what, total, started=time.monotonic())
    # Another stream may stand there later, such as that of a test; the phase keeps to its own.
    stream, over = sys.stderr, Event()
    said = 0

    def speak() -> None:
        nonlocal said
        pause = min(seconds, UNTOLD)
        while not over.wait(pause):
            _print(phase.line(time.monotonic()), stream)
            said, pause = said + 1, seconds

    speaker = Thread(target=speak, name="mobench-progress", daemon=True)
    speaker.start()
    try:
        yield phase.tick
    finally:
        # Nothing of it may stand between the lines that follow, an error's or the result's.
        over.set()
        speaker.join()
    if said:
        _print(phase.end(time.monotonic()), stream)


class _Phase:
    """How far a phase has got.

    Args:
        what: What is being done.
        total: The number of parts.
        started: When it began, in seconds of a monotonic clock.
    """

    def __init__(self, what: str, total: int, *, started: float) -> None:
        self._what, self._total, self._started = what, total, started
        self._done, self._detail = 0, ""
        # Since when, from how many parts on, and until when the speed is measured.
        self._since, self._from, self._until = started, 0, started
        self._lock = Lock()

    def tick(self, count: int = 1, detail: str = "") -> None:
        """Some parts are done."""
        now = time.monotonic()
        with self._lock:
            if self._done == 0 and now - self._started < 0.5:
                # Parts that are there at once were done before: an interrupted phase goes on.
                self._since, self._from = now, count
            self._done += count
            self._detail, self._until = detail, now

    def line(self, now: float) -> str:
        """What is done, and how long it will still take at the mean speed so far."""
        with self._lock:
            done, detail = self._done, f" ({self._detail})" if self._detail else ""
            new, remaining = done - self._from, max(0, self._total - done)
            seconds, waited = self._until - self._since, now - self._until
        left = "time left not known yet"
        if new > 0:
            # The part that is worked on is partly done; where it is overdue, all of it took longer.
            expected = seconds / new * remaining - waited
            if expected < 0:
                expected = (seconds + waited) / new * remaining
            left = f"about {_clock(expected)} left"
        passed = _clock(now - self._started)
        return f"{self._what}: {done} of {self._total}{detail}, {passed} so far, {left}"

    def end(self, now: float) -> str:
        """The line that closes the phase."""
        return f"{self._what}: done after {_clock(now - self._started)}"


def _clock(seconds: float) -> str:
    """Such as ``0:07`` or ``1:02:09``."""
    minutes, second = divmod(math.ceil(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def _print(line: str, stream: TextIO) -> None:
    # A log that can no longer be written is no reason to lose a run.
    with suppress(OSError, ValueError):
        stream.write(f"{line}\n")
        stream.flush()


def _line_seconds() -> float:
    """How often a plain line is printed, as the environment asks."""
    text = os.environ.get(SECONDS, "")
    if not text:
        return DEFAULT_SECONDS
    with suppress(ValueError):
        seconds = float(text)
        if 0 <= seconds < math.inf:
            return seconds
    raise MobenchError(
        f"{SECONDS} must be a number of seconds, 0 for no lines, got {text!r}",
        f"set it to the seconds between two lines of progress; without it: {DEFAULT_SECONDS:g}",
    )
