"""Rows on disk: JSON Lines, plain in a run's folder, gzipped where published."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from mobench.errors import Problems
from mobench.records.json_objects import RepeatedKeys, without_repeated_keys
from mobench.records.reading import shape_problems

T = TypeVar("T")

# One decoder for all lines: `json.loads` with a hook makes one for each, which takes longer.
_decode = json.JSONDecoder(object_pairs_hook=without_repeated_keys).decode

MEASURE_AGAIN = "the file was changed after it was written; measure again"


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the rows of ``rows.jsonl`` or ``rows.jsonl.gz``.

    Raises:
        Problems: The file is damaged, or lines are not JSON objects or have a key twice: all of
            them by number.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            lines = file.read().split("\n")
    except (EOFError, UnicodeDecodeError, zlib.error, gzip.BadGzipFile) as error:
        raise Problems([f"{path}: damaged ({error})"], MEASURE_AGAIN) from error
    problems = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            row = _decode(line)
        except RepeatedKeys as error:
            problems.append(f"{path}:{number}: {error}")
            continue
        except ValueError as error:
            problems.append(f"{path}:{number}: not JSON ({error})")
            continue
        if isinstance(row, dict):
            yield row
        else:
            problems.append(f"{path}:{number}: not a JSON object")
    if problems:
        raise Problems(problems, MEASURE_AGAIN)


def read_records(path: Path, adapter: TypeAdapter[T]) -> list[T]:
    """The records of a file with one on each line, each held to its type.

    Args:
        path: The file.
        adapter: The records' type.

    Raises:
        Problems: The file is damaged, or records do not fit: all of them by line and field.
    """
    records: list[T] = []
    problems: list[str] = []
    for line, record in enumerate(read_rows(path), start=1):
        try:
            adapter.validate_python(record)
        except ValidationError as error:
            problems += [f"{path}:{line}: {what}" for what in shape_problems(error)]
        # As it was written: a score of 0 stays 0 and does not become 0.0.
        records.append(cast(T, record))
    if problems:
        raise Problems(problems, MEASURE_AGAIN)
    return records
