"""Regular expressions of organisms and rubrics: they compile, and they end.

They are data of a pull request, and are tried on what models say. Python's syntax and engine stay:
an engine without backtracking has no backreferences, which shipped organisms use, and reads letters
and ends of lines otherwise.
"""

from __future__ import annotations

import re

from mobench.deadline import deadline

LONGEST = 2000
"""Characters of an expression: ten times the longest of the shipped ones."""
_REMEDY = "write the expression without repeats inside of repeats, such as (a+)+"


def compiles(pattern: str) -> str:
    """The same text, once it is known to be a regular expression.

    Raises:
        ValueError: It is none, or it is too long.
    """
    if len(pattern) > LONGEST:
        raise ValueError(f"a regular expression has at most {LONGEST} characters")
    try:
        re.compile(pattern)
    except (re.error, OverflowError) as error:
        raise ValueError(f"not a regular expression ({error})") from error
    except RecursionError as error:
        raise ValueError("not a regular expression (nested too deeply)") from error
    return pattern


def search(pattern: str, text: str) -> re.Match[str] | None:
    """Where an expression is found in a text.

    Raises:
        MobenchError: It takes too long.
    """
    with deadline(_slow(pattern, text), _REMEDY):
        return re.search(pattern, text)


def fullmatch(pattern: str, text: str) -> re.Match[str] | None:
    """How an expression matches a whole text.

    Raises:
        MobenchError: It takes too long.
    """
    with deadline(_slow(pattern, text), _REMEDY):
        return re.fullmatch(pattern, text)


def _slow(pattern: str, text: str) -> str:
    shown = pattern if len(pattern) <= 60 else f"{pattern[:59]}…"
    return f"the regular expression {shown!r} on a text of {len(text)} characters"
