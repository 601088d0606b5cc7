"""Rows are one object a line; whatever is laid out otherwise is told by its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from mobench.publish.submission.rows_file import pack, read_rows

ROWS = [{"cell": "a", "step": number, "answer": "}\n{ [1] , {"} for number in range(3)]


def read(path: Path, text: str) -> tuple[list[object], bytes, list[str]]:
    """What a file with this text gives: rows, the text that is hashed, and problems."""
    path.write_bytes(gzip.compress(text.encode()))
    hashed: list[bytes] = []
    problems: list[str] = []
    rows = read_rows(path, hashed.append, problems)
    return rows, b"".join(hashed), problems


def test_rows_come_back_with_the_text_that_their_hash_is_of(tmp_path: Path) -> None:
    text = gzip.decompress(pack(ROWS)).decode()

    assert read(tmp_path / "rows", text) == (ROWS, text.encode(), [])


@pytest.mark.parametrize(
    "row", [{"cell": "a", "draws": [{"x": 1}, {"y": 2}]}, {"cell": "a", "more": {"x": 1}}]
)
def test_rows_that_hold_more_than_plain_values_come_back_too(
    tmp_path: Path, row: dict[str, object]
) -> None:
    text = gzip.decompress(pack([row, row])).decode()

    assert read(tmp_path / "rows", text) == ([row, row], text.encode(), [])


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1\n"b":2}\n{"c":1},{"d":2}\n',
        '{"a":1},{"b":2}\n{"c":1,"d":2}\n',
        '{"a":[{"x":1}\n{"y":2}]}\n',
        '{"a":[{"x":1}\n{"y":2}]}\n{"b":1},{"c":2}\n',
        '{"a":{"x":1}}\n,{"b":1}\n',
    ],
)
def test_an_object_over_two_lines_or_two_on_one_are_told_by_their_line(
    tmp_path: Path, text: str
) -> None:
    _, hashed, problems = read(tmp_path / "rows", text)

    assert problems
    assert all(f"{tmp_path / 'rows'}:" in problem for problem in problems)
    assert hashed != text.encode()


@pytest.mark.parametrize("line", ['{"a": 1}', '{"b":1,"a":2}', '{"a":1e0}'])
def test_what_is_hashed_is_the_compact_text_however_it_was_written(
    tmp_path: Path, line: str
) -> None:
    rows, hashed, problems = read(tmp_path / "rows", f"{line}\n")

    assert not problems
    assert hashed == gzip.decompress(pack(rows))
