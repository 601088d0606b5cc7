"""Per-sample rows on disk: JSON Lines, plain in a run's folder, gzipped where published."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mobench.errors import Problems

MEASURE_AGAIN = "the file was changed after it was written; measure again"


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the rows of ``rows.jsonl`` or ``rows.jsonl.gz``.

    Raises:
        Problems: The file is damaged, or lines are not JSON objects: all of them by number.
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
            row = json.loads(line)
        except ValueError as error:
            problems.append(f"{path}:{number}: not JSON ({error})")
            continue
        if isinstance(row, dict):
            yield row
        else:
            problems.append(f"{path}:{number}: not a JSON object")
    if problems:
        raise Problems(problems, MEASURE_AGAIN)
