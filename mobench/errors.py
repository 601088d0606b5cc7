"""What goes wrong is told as a fact and a remedy, without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


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


class Problems(MobenchError):
    """Every problem found in the user's files, raised once.

    Args:
        problems: One line each, ``file:line: what``.
        remedy: What to do about them.
    """

    def __init__(self, problems: Sequence[str], remedy: str = "") -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        super().__init__("\n".join([f"{head}:", *(f"  {p}" for p in self.problems)]), remedy)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns `` Did you mean 'x'?`` for a near miss, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""
