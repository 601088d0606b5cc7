"""Stopping a command: SIGTERM and SIGHUP do what Ctrl-C does, and end with their own exit code.

A scheduler sends SIGTERM before it takes a machine away, a terminal that is closed sends SIGHUP.
Python would end at once, and leave what is in the making.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_received: list[int] = []


@contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """Turns SIGTERM and SIGHUP into the interruption that Ctrl-C is, while the block runs.

    A signal that is ignored stays so: ``nohup`` asks for that. Only the first one counts, so that
    nothing stops the cleaning up; Ctrl-C still does.
    """
    names = ("SIGTERM", "SIGHUP")
    before = {}
    _received.clear()
    try:
        for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, _interrupt)
    except ValueError:
        pass  # Only the main thread is told of signals.
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code() -> int:
    """The exit code of a command that was stopped: 128 and the signal's number, as a shell has."""
    return 128 + (_received[0] if _received else int(signal.SIGINT))


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _received:
        return
    _received.append(number)
    # Whoever is waiting for Ctrl-C in a way of their own, as asyncio is, is stopped in that way.
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler):
        handler(signal.SIGINT, frame)
    else:
        raise KeyboardInterrupt
