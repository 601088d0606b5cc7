"""Where in a TOML file a key stands.

``tomllib`` forgets line numbers, so this reads the text once more and remembers where each table
and key was written. It follows headers, arrays of tables, dotted keys and multi-line strings; what
stands inside an inline table is placed on the line where that table begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(
    r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")

Location = tuple[str | int, ...]


class Locator:
    """Finds the line of a key in one TOML file, which is read when it is first asked.

    Args:
        text: The file's text.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def line(self, location: Sequence[str | int]) -> int:
        """The line of a key, or of the innermost enclosing thing that was found.

        Args:
            location: Keys and list indices from the top of the file. Elements that the file does
                not hold (a missing key, the tag of a union) are passed over.

        Returns:
            A line number, counted from 1.
        """
        found: Location = ()
        for part in location:
            if (*found, part) in self._lines:
                found = (*found, part)
        return self._lines[found]

    @cached_property
    def _lines(self) -> dict[Location, int]:
        lines: dict[Location, int] = {(): 1}
        arrays: dict[Location, int] = {}
        table: Location = ()
        open_quote = ""
        for number, line in enumerate(self._text.splitlines(), start=1):
            if not open_quote:
                if header := _HEADER.match(line):
                    table = _enter(header, number, lines, arrays)
                elif key := _KEY.match(line):
                    _remember(table + _parts(key[1]), number, lines)
            open_quote = _open_quote(line, open_quote)
        return lines


def _enter(
    header: re.Match[str], number: int, lines: dict[Location, int], arrays: dict[Location, int]
) -> Location:
    *above, last = _parts(header[2])
    table: Location = ()
    for part in above:
        table = (*table, part)
        # Below an array of tables, a header means the array's latest table.
        if table in arrays:
            table = (*table, arrays[table])
    table = (*table, last)
    if header[1] == "[[":
        _remember(table, number, lines)
        arrays[table] = arrays.get(table, -1) + 1
        table = (*table, arrays[table])
    _remember(table, number, lines)
    return table


def _remember(location: Location, number: int, lines: dict[Location, int]) -> None:
    for end in range(1, len(location) + 1):
        lines.setdefault(location[:end], number)


def _parts(dotted: str) -> Location:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _open_quote(line: str, opened: str) -> str:
    for quote in ('"""', "'''"):
        if opened in ("", quote) and line.count(quote) % 2:
            return "" if opened else quote
    return opened
