"""``rows.jsonl.gz``: one judged answer a line, read a piece at a time.

A few bytes of gzip can hold gigabytes, and a row takes ten times its text once it is read. So the
file is unpacked a piece at a time, and given up as soon as it is more than a result can have.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

from mobench.publish.submission.intake import MOST_BYTES, ROWS, read_regular
from mobench.publish.submission.strict_json import compact, parse, parse_flat

MOST_UNPACKED = 192 << 20
"""Bytes of all rows: a ladder of a hundred cells with long answers has about half of that."""
MOST_ROWS = 1_000_000
LONGEST_LINE = 1 << 20
"""Bytes of one row: a hundred times the longest answer that an organism's file allows."""
ENOUGH = 20
"""After this many problems in one file, the rest would only repeat them."""
_PIECE = 2000

_SHARED = ("cell", "kind", "task", "prompt", "answer")
"""Fields whose texts many rows have in common: each text is then kept once."""


def read_rows(path: Path, hashed: Callable[[bytes], None], problems: list[str]) -> list[Any]:
    """Reads the rows.

    Args:
        path: The file.
        hashed: Is given the rows' text, one compact line each, in pieces.
        problems: Receives what is wrong, with the line.
    """
    already = len(problems)
    rows: list[Any] = []
    kept: dict[str, str] = {}
    try:
        for lines in _pieces(read_regular(path, MOST_BYTES[ROWS])):
            whole = b"".join(lines)
            found = _all_compact(whole, len(lines))
            if found is None:
                found, whole = _one_by_one(lines, f"{path}", len(rows), problems)
            hashed(whole)
            rows += [_sharing(row, kept) for row in found]
            if len(problems) - already >= ENOUGH:
                break
    except (OSError, EOFError, zlib.error, ValueError) as error:
        problems.append(f"{path}: {error}")
    return rows


def pack(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as the file holds them; the same rows give the same bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as packed:
        packed.writelines(f"{compact(row)}\n".encode() for row in rows)
    return buffer.getvalue()


def _pieces(packed: bytes) -> Iterator[list[bytes]]:
    """Some lines at a time, each with its end.

    Raises:
        ValueError: There is more than any result has.
    """
    left, count = MOST_UNPACKED, 0
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        lines = iter(lambda: file.readline(LONGEST_LINE + 1), b"")
        while piece := list(islice(lines, _PIECE)):
            count += len(piece)
            left -= sum(map(len, piece))
            if any(len(line) > LONGEST_LINE for line in piece):
                raise ValueError(f"a line of more than {LONGEST_LINE} bytes")
            if left < 0:
                raise ValueError(f"more than {MOST_UNPACKED} bytes when unpacked")
            if count > MOST_ROWS:
                raise ValueError(f"more than {MOST_ROWS} rows")
            yield piece


def _one_by_one(
    lines: list[bytes], path: str, before: int, problems: list[str]
) -> tuple[list[Any], bytes]:
    """The rows of some lines that are sound, and their compact text."""
    rows, texts = [], []
    for number, line in enumerate(lines, start=before + 1):
        try:
            row = parse(line.removesuffix(b"\n").decode("utf-8"))
            texts.append(f"{compact(row)}\n".encode())
        except (ValueError, RecursionError) as error:
            problems.append(f"{path}:{number}: not JSON: {error}")
        else:
            rows.append(row)
    return rows, b"".join(texts)


def _sharing(row: Any, kept: dict[str, str]) -> Any:
    """The same row with texts that others have too."""
    if type(row) is dict and len(kept) < _PIECE * 100:
        for name in _SHARED:
            value = row.get(name)
            if type(value) is str:
                row[name] = kept.setdefault(value, value)
    return row


def _all_compact(whole: bytes, count: int) -> list[Any] | None:
    """All rows of a piece at once, many times as fast as one by one; None if any is not compact.

    What was read is written again and compared, so a key that stood twice is noticed. Where rows
    hold plain values only and every line begins and ends as an object, as many objects as lines
    are one in each: no string goes over the end of a line, and within an object the next line
    would begin with a key.
    """
    if not whole.startswith(b"{") or not whole.endswith(b"}\n"):
        return None
    if whole.count(b"}\n{") != count - 1:
        return None
    try:
        text = f"[{whole[:-1].decode('utf-8').replace(chr(10), ',')}]"
        rows: list[Any] = parse_flat(text)
        flat = len(rows) == count and set(map(type, rows)) == {dict}
        plain = flat and _PLAIN.issuperset(map(type, chain.from_iterable(map(_values, rows))))
        # All at once: to write rows one by one takes three times as long.
        same = plain and compact(rows) == text
    except (ValueError, RecursionError):
        return None
    return rows if same else None


_PLAIN = frozenset({str, int, float, bool, type(None)})
_values = dict.values
