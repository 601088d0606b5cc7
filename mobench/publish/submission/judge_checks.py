"""Results that a model judged: which one, and what each of its rows must hold.

Judges disagree on the same answers, so a result is published by its judge, and an answer that was
not judged says why: a row that only lost its outcome could be one that somebody did not like.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NUMBER = (int, float)


def judge_of(manifest: Mapping[str, Any]) -> str | None:
    """The judge as cells name it: kind, model, and its rubric's version; None without one."""
    judge = manifest.get("judge")
    if not isinstance(judge, Mapping):
        return None
    rubric = judge.get("rubric")
    told = rubric if isinstance(rubric, Mapping) else {}
    return f"{judge.get('name')} {told.get('name')}@{told.get('version')}"


def cell_problem(cell: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    """What is wrong with a cell's judge; empty if nothing is."""
    judge = judge_of(manifest)
    if cell.get("judge") == judge:
        return ""
    return f"judge {cell.get('judge')!r} is not the manifest's, {judge!r}"


def row_problem(row: Mapping[str, Any], judge: object) -> str:
    """What is wrong with a row, sound otherwise, of a run with a judge or without.

    Args:
        row: The row.
        judge: The judge of the run's cells, None where there is none.
    """
    if judge is None or row["kind"] == "capability":
        return "names a judge, and none judged it" if "judge" in row else ""
    by = f"{row.get('judge')} {row.get('rubric')}"
    if by != judge:
        return f"judged by {by!r}, the cells say {judge!r}"
    verdict, score = row.get("verdict"), row.get("score")
    if verdict is not None and not isinstance(verdict, str):
        return f"verdict should be text or null, got {verdict!r}"
    if row["outcome"] is not None and (
        verdict is None or not isinstance(score, NUMBER) or isinstance(score, bool)
    ):
        return "an outcome needs the verdict that it comes from, and its score"
    return ""


def is_unjudged(row: Mapping[str, Any], judge: object) -> bool:
    """Whether a row without an outcome is one that a judge did not judge, with the reason."""
    why = row.get("not_judged")
    asked = judge is not None and row.get("kind") != "capability"
    return asked and row.get("outcome") is None and isinstance(why, str) and bool(why)
