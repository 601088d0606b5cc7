"""What goes wrong is told as a fact and a remedy, without a traceback."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Self


class MobenchError(Exception):
    """Something the user can act on.

    Args:
        fact: What was wrong and where, with the offending value.
        remedy: What to do about it; a command wherever there is one.
    """

    def __init__(self, fact: str, remedy: str = "") -> None:
        self.fact = fact
        self.remedy = remedy
        super().__init__(fact if not remedy else f"{fact}\n  → {remedy}")


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or its kind if it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def listed(items: Sequence[str], *, most: int, between: str = "; ") -> str:
    """The first few of some items, and how many more there are.

    Args:
        items: In the order in which they are told.
        most: How many are told.
        between: What stands between two.
    """
    told = between.join(items[:most])
    more = len(items) - most
    return told if more <= 0 else f"{told}{';' * (between == '; ')} and {more} more"


class Consequence(str):
    """A problem that goes away with the one that it follows from.

    It is a string as other problems are, so that one list holds both.

    Args:
        problem: ``file:line: what``.
        cause: The problem that it follows from, as that one is listed.
    """

    cause: str

    def __new__(cls, problem: str, cause: str) -> Self:
        """Makes the string, and remembers the cause beside it."""
        self = super().__new__(cls, problem)
        self.cause = cause
        return self


class Problems(MobenchError):
    """Every problem found in the user's files, raised once.

    The message names each cause, and counts what follows from it and what is the same elsewhere.

    Args:
        problems: One line each, ``file:line: what``.
        remedy: What to do about them.
        listed_by: What lists all of them, said where some are only counted.
    """

    def __init__(self, problems: Sequence[str], remedy: str = "", listed_by: str = "") -> None:
        self.problems = tuple(problems)
        lines = _counted(self.problems)
        if listed_by and len(lines) < len(self.problems):
            remedy = remedy or listed_by
        super().__init__("\n".join([_head(self.problems), *lines]), remedy)

    @property
    def in_full(self) -> str:
        """The message with every problem on a line of its own."""
        indented = (f"{'    ' if isinstance(p, Consequence) else '  '}{p}" for p in self.problems)
        return "\n".join([_head(self.problems), *indented])


SAME = 3
"""So many problems of one kind are told by the first of them and a number."""


def _head(problems: Sequence[str]) -> str:
    return "1 problem:" if len(problems) == 1 else f"{len(problems)} problems:"


def _counted(problems: Sequence[str]) -> list[str]:
    """A line for each cause, and one that counts what is the same or follows from it."""
    follow: dict[str, list[str]] = {}
    same: dict[str, list[str]] = {}
    for problem in problems:
        if isinstance(problem, Consequence) and problem.cause in problems:
            follow.setdefault(problem.cause, []).append(problem)
        else:
            same.setdefault(_kind(problem), []).append(problem)
    lines: list[str] = []
    for alike in same.values():
        shown = alike if len(alike) < SAME else alike[:1]
        lines += [f"  {problem}" for problem in shown]
        if rest := alike[len(shown) :]:
            lines.append(f"    and {len(rest)} more of the same, such as {_place(rest[0])}")
        if following := [one for problem in alike for one in follow.get(problem, [])]:
            lines.append(f"    and {_more(following)} from it, such as {following[0]}")
    return lines


def _more(following: Sequence[str]) -> str:
    return "1 more that follows" if len(following) == 1 else f"{len(following)} more that follow"


def _kind(problem: str) -> str:
    """What two problems have in common that differ only in their place: the text after it."""
    place = _place(problem)
    return problem[len(place) :] if place else problem


def _place(problem: str) -> str:
    """``file:line`` at the beginning of a problem; empty if none stands there."""
    found = re.match(r".*?:\d+(?=: )", problem)
    return found[0] if found else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns `` Did you mean 'x'?`` for a near miss, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""
