"""Tables and text for the terminal at hand: rows of a table that does not fit stand one by one."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

NARROW = 80
"""Text is broken at words where a terminal has fewer columns; others break lines themselves."""


def terminal_width() -> int | None:
    """Columns of the terminal that standard output goes to; None where it goes to none.

    ``COLUMNS`` in the environment says it in any case.
    """
    if os.environ.get("COLUMNS", "").isdigit() or sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None


def fitted_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int | None,
    form: str = "simple",
    **layout: Any,
) -> str:
    """Draws a table; one that is wider than the terminal row by row, a line for each column.

    Args:
        headers: The columns' names.
        rows: Their cells.
        width: Columns of the terminal; None where any width will do.
        form: tabulate's name of the table's form.
        layout: What else tabulate is told.
    """
    table = str(tabulate(rows, headers=headers, tablefmt=form, disable_numparse=True, **layout))
    if width is None or max(map(len, table.splitlines()), default=0) <= width:
        return table
    blocks = []
    for row in rows:
        lines = [str(row[0])]
        for name, cell in zip(headers[1:], row[1:], strict=True):
            if str(cell).strip():
                lines.append(broken(f"  {' '.join(name.split())}: {cell}", width))
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def broken(text: str, width: int | None) -> str:
    """Breaks lines that are longer than the terminal at words; what goes on is indented more."""
    if width is None:
        return text
    lines: list[str] = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(
            line,
            width,
            subsequent_indent=f"{indent}  ",
            break_on_hyphens=False,
            break_long_words=False,
        ) or [line]
    return "\n".join(lines)


def broken_if_narrow(text: str, width: int | None) -> str:
    """The same for terminals of fewer columns than :data:`NARROW` alone."""
    return broken(text, width if width is not None and width < NARROW else None)
