"""What each row must hold that a model judged.

Judges disagree on the same answers, so a result is published by its judge, and an answer that was
not judged says why: a row that only lost its outcome could be one that somebody did not like.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

JUDGED = frozenset({"judge", "rubric", "verdict", "score", "not_judged"})
"""Fields that only rows have which a model judged."""


def judge_problem(row: Mapping[str, Any], judge: object) -> str:
    """What is wrong with a row, sound otherwise, of a run with a judge or without.

    Args:
        row: The row.
        judge: The judge of the run's cells, None where there is none.
    """
    if judge is None or row["kind"] == "capability":
        return "has what a judge said, and none judged it" if JUDGED & row.keys() else ""
    by = f"{row.get('judge')} {row.get('rubric')}"
    if by != judge:
        return f"judged by {by!r}, the cells say {judge!r}"
    if row["outcome"] is not None and (row.get("verdict") is None or row.get("score") is None):
        return "an outcome needs the verdict that it comes from, and its score"
    return ""


def is_unjudged(row: Mapping[str, Any], judge: object) -> bool:
    """Whether a row without an outcome is one that a judge did not judge, with the reason."""
    why = row.get("not_judged")
    asked = judge is not None and row.get("kind") != "capability"
    return asked and row.get("outcome") is None and isinstance(why, str) and bool(why)
