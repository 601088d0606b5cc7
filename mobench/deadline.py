"""Ends what takes too long: a regular expression or a template that somebody else wrote.

``(a+)+$`` doubles its time with each letter that it is tried on, and a template can count to a
thousand millions. Python's own engine stays what judges, so no judgment changes; it only has no
more than its time.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mobench.errors import MobenchError

SECONDS = 2.0
"""Of this process's time: a thousand times what the slowest of the shipped ones takes."""


class _TooLongError(BaseException):
    """The time is over. No ``except Exception`` on the way may take it for something else."""


@contextmanager
def deadline(fact: str, remedy: str) -> Iterator[None]:
    """Ends a block after :data:`SECONDS` of processor time.

    Only a process's main thread can be interrupted, and not on Windows; elsewhere the block has no
    end but its own.

    Args:
        fact: What is too slow, for the message.
        remedy: What to do about it.

    Raises:
        MobenchError: The time is over.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _end)
    try:
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except _TooLongError:
        raise MobenchError(f"{fact} takes more than {SECONDS:g} seconds", remedy) from None
    finally:
        signal.signal(signal.SIGVTALRM, before)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise _TooLongError
