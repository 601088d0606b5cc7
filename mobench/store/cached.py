"""Records in the cache, so that a model is asked once: believed only as they were written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from mobench.errors import MobenchError, Problems
from mobench.store.atomic import write_lines
from mobench.store.kept import KeptFiles
from mobench.store.rows import read_records

T = TypeVar("T")
Warn = Callable[[str], None]


def keep_records(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Writes records into a file of the cache."""
    write_lines(path, records)
    KeptFiles(path.parent).keep(path)


def kept_records(
    path: Path, adapter: TypeAdapter[T], warn: Warn, *, count: int | None = None
) -> list[T] | None:
    """Reads records from the cache.

    Args:
        path: The file.
        adapter: The records' type.
        warn: Told why a file that is there is not believed.
        count: How many there have to be; at least one where None.

    Returns:
        The records; None where there are none, or not those that were written.
    """
    if not path.is_file():
        return None
    problem = KeptFiles(path.parent).fault(path)
    records: Sequence[T] = []
    if problem is None:
        try:
            records = read_records(path, adapter)
        except MobenchError as error:
            problem = error.problems[0] if isinstance(error, Problems) else error.fact
    if problem is None and (not records or count not in (None, len(records))):
        problem = f"it holds {len(records)} records" + (f" of {count}" if count else "")
    if problem is None:
        return list(records)
    not_believed(path, problem, warn)
    return None


def not_believed(path: Path, problem: str, warn: Warn) -> None:
    """Removes a file of the cache, and tells that it is made again."""
    KeptFiles(path.parent).forget(path)
    path.unlink(missing_ok=True)
    name = "" if problem.startswith(str(path)) else f"{path}: "
    warn(f"{name}{problem}; it is made again")
