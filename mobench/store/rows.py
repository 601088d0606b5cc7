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
from mobench.records.listed_files import ListedFile
from mobench.records.reading import shape_problems
from mobench.store.kept import fault_of

T = TypeVar("T")

# One decoder for all lines: `json.loads` with a hook makes one for each, which takes longer.
_decode = json.JSONDecoder(object_pairs_hook=without_repeated_keys).decode


def run_again(command: str | None) -> str:
    """What helps where a file of a run was changed after it was written.

    Args:
        command: The run's command, where it is known.
    """
    given = "give the command of the run again" if command is None else f"go on with: {command}"
    return f"{given}; what does not fit is then measured or trained again"


RUN_AGAIN = run_again(None)


def read_rows(path: Path, content: bytes | None = None) -> Iterator[dict[str, Any]]:
    """Yields the rows of ``rows.jsonl`` or ``rows.jsonl.gz``.

    Args:
        path: The file.
        content: What it holds, if it was read already.

    Raises:
        Problems: The file is damaged, or lines are not JSON objects or have a key twice: all of
            them by number.
    """
    try:
        content = path.read_bytes() if content is None else content
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        lines = content.decode("utf-8").replace("\r\n", "\n").split("\n")
    except (EOFError, UnicodeDecodeError, zlib.error, gzip.BadGzipFile) as error:
        raise Problems([f"{path}: damaged ({error})"], RUN_AGAIN) from error
    problems = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            row = _decode(line)
        except RepeatedKeys as error:
            problems.append(f"{path}:{number}: {error}")
            continue
        except (ValueError, RecursionError) as error:
            problems.append(f"{path}:{number}: not JSON ({error})")
            continue
        if isinstance(row, dict):
            yield row
        else:
            problems.append(f"{path}:{number}: not a JSON object")
    if problems:
        raise Problems(problems, RUN_AGAIN)


def read_records(
    path: Path, adapter: TypeAdapter[T], *, known: ListedFile | None = None, listed: bool = False
) -> list[T]:
    """The records of a file with one on each line, each held to its type.

    Args:
        path: The file.
        adapter: The records' type.
        known: How the file was written.
        listed: Whether it has to be as it was written; without ``known`` it then never was.

    Raises:
        Problems: The file is damaged, or records do not fit: all of them by line and field.
    """
    content = None
    if listed:
        content = path.read_bytes() if path.is_file() else None
        if what := fault_of(path, known, content=content):
            raise Problems([f"{path}: {what}"], RUN_AGAIN)
    records: list[T] = []
    problems: list[str] = []
    for line, record in enumerate(read_rows(path, content), start=1):
        try:
            adapter.validate_python(record)
        except ValidationError as error:
            problems += [f"{path}:{line}: {what}" for what in shape_problems(error)]
        # As it was written: a score of 0 stays 0 and does not become 0.0.
        records.append(cast(T, record))
    if problems:
        raise Problems(problems, RUN_AGAIN)
    return records
