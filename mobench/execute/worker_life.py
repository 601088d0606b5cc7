"""A worker ends when the process that started it is gone: nobody would end it otherwise."""

from __future__ import annotations

import os
import signal
import time
from threading import Thread

PAUSE = 2.0
"""Seconds between two looks."""


def end_with(parent: int) -> None:
    """Stops this process as Ctrl-C does once its parent has ended.

    Args:
        parent: The parent's number.
    """
    Thread(target=_watch, args=(parent,), name="mobench-parent", daemon=True).start()


def _watch(parent: int) -> None:
    # Whoever loses a parent is given another.
    while os.getppid() == parent:
        time.sleep(PAUSE)
    os.kill(os.getpid(), signal.SIGINT)
