"""The version of a task's or behavior's code: a hash of all files that decide what it does."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

_BESIDE = re.compile(r"^from \.(\w+) import ", re.MULTILINE)


def version_of(path: Path, data: Sequence[str]) -> str:
    """First 12 hex digits of the SHA-256 over a module, its data and what it takes from beside it.

    Args:
        path: The module's file.
        data: The files it reads, relative to its own.
    """
    digest = hashlib.sha256()
    for file in (path, *(path.parent / name for name in data), *_beside(path)):
        if file.is_file():
            content = file.read_bytes()
            # The length goes first, so that bytes cannot move from one file to the next unseen.
            digest.update(f"{file.name}:{len(content)}:".encode())
            digest.update(content)
    return digest.hexdigest()[:12]


def _beside(path: Path) -> list[Path]:
    """The files beside a module that it imports from, and those that they import from."""
    found: set[Path] = set()
    queue = [path]
    while queue:
        file = queue.pop()
        if file.is_file():
            names = _BESIDE.findall(file.read_text(encoding="utf-8"))
            new = {path.parent / f"{name}.py" for name in names} - found - {path}
            found |= new
            queue += new
    return sorted(found)
