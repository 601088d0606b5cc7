"""Tables for GitHub in which no number is broken into lines, however narrow the screen."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tabulate import tabulate

_INTERVAL = re.compile(r"(?<=[\d.,\]]) (?=\[|-?\d[\d.]*\])")
_HYPHEN = re.compile(r"(?<=\de-)(?=\d)")


def github_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Draws a table in markdown.

    Args:
        headers: The columns' names.
        rows: Their cells, which are markdown.
    """
    whole = [[unbroken_numbers(cell) for cell in row] for row in rows]
    named = [unbroken_numbers(name) for name in headers]
    return str(tabulate(whole, headers=named, tablefmt="github", disable_numparse=True))


def unbroken_numbers(text: str) -> str:
    """Joins a number to its interval, and a learning rate's two halves; other words may part."""
    return _HYPHEN.sub("&NoBreak;", _INTERVAL.sub("&nbsp;", text))


def unbroken(text: str) -> str:
    """Text that no renderer breaks into lines."""
    return text.replace(" ", "&nbsp;").replace("–", "&NoBreak;–&NoBreak;")
