"""How a worker ends: with the process that started it, and with a log that says why."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from threading import Thread

PAUSE = 2.0
"""Seconds between two looks."""
TOLD = 12
"""Lines of a worker's log that are shown where it failed."""


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


def last_words(log: Path) -> str:
    """The end of a worker's log, indented; what is known where it could write none.

    Args:
        log: The log, on the disk of the run.
    """
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TOLD:]
    if not lines and shutil.disk_usage(log.parent).free < os.statvfs(log.parent).f_frsize:
        # A full disk is the one reason that a log on it cannot give.
        lines = [
            f"no space left on the disk of {log.parent}: not even the log could be written;",
            "free some space and run the same command again; what was finished is kept",
        ]
    return "\n".join(f"    {line}" for line in lines)
