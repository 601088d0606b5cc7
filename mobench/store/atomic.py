"""Files appear whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from mobench.machine.staging import staging_prefix


def write_with(path: Path, write: Callable[[Path], None]) -> None:
    """Lets ``write`` fill a sibling file, then moves it over ``path``.

    A run may be killed at any moment; a reader then finds the old file, or none, never a half.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=staging_prefix(path.name, os.getpid()), dir=path.parent)
    os.close(handle)
    staging = Path(name)
    try:
        write(staging)
        # Readable by whoever the folder is for; mkstemp makes files for their owner alone.
        staging.chmod(0o644)
        staging.replace(path)
    finally:
        staging.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text."""
    write_with(path, lambda staging: _write(staging, text))


def write_json(path: Path, value: Any) -> None:
    """Writes JSON, indented. NaN has no JSON and is refused."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes JSON Lines."""
    lines = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    write_text(path, "".join(f"{line}\n" for line in lines))


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
