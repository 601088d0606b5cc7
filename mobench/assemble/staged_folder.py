"""Folders that are made beside their place, and moved there once they are whole."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from mobench.machine.staging import staging_prefix
from mobench.machine.system_errors import as_system_errors

T = TypeVar("T")
TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
"""What the system says of moving a folder to where one with files in it is."""


@contextmanager
def staged_folder(folder: Path) -> Iterator[Path]:
    """Yields an empty folder beside another one, and removes it if it was not moved there.

    Raises:
        OSError: It cannot be written, with the folder's name where a library leaves that out.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = staging_prefix(folder.name, os.getpid())
    staging = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        with as_system_errors(folder):
            yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def put_in_place(staging: Path, folder: Path, finished: Callable[[Path], T | None]) -> T | None:
    """Moves a whole folder to its place, unless another process was faster.

    Args:
        staging: The folder, with everything in it.
        folder: Its place.
        finished: What is known of a whole folder; None of one that is not whole. What is not whole
            is replaced.

    Returns:
        What is known of the other's folder; None where this one is in place now.
    """
    staging.chmod(0o755)
    while True:
        try:
            # Fails where a folder with files in it is, so that nobody's is removed by this.
            staging.rename(folder)
        except OSError as error:
            if error.errno not in TAKEN:
                raise
        else:
            return None
        theirs = finished(folder)
        if theirs is not None:
            return theirs
        _move_aside(folder, finished)


def _move_aside(folder: Path, finished: Callable[[Path], Any]) -> None:
    """Takes away what is not whole; what turns out to be whole after all is put back."""
    prefix = staging_prefix(folder.name, os.getpid())
    aside = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        folder.rename(aside)
    except FileNotFoundError:
        pass  # Somebody else took it away.
    else:
        # It may have been finished between the look and the move.
        if finished(aside) is not None:
            try:
                aside.rename(folder)
            except OSError as error:
                if error.errno not in TAKEN:
                    raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
