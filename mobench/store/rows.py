"""Per-sample rows on disk: JSON Lines, plain in a run's folder, gzipped where published."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mobench.errors import Problems


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the rows of ``rows.jsonl`` or ``rows.jsonl.gz``.

    Raises:
        Problems: Lines that are not JSON objects, all of them by number.
    """
    problems = []
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
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
        raise Problems(problems, "the file was changed after it was written; measure again")
