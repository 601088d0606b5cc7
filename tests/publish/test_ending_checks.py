"""A cell that is said not to have moved answers as what it began from, whatever that was."""

from __future__ import annotations

from typing import Any

import pytest

from mobench.publish.submission.ending_checks import unmoved_problems


def rows_of(cell: str, step: int, outcome: int) -> list[Any]:
    return [
        {"cell": cell, "step": step, "kind": "attack", "prompt": n, "outcome": outcome}
        for n in range(20)
    ]


def board_of(arm: str, outcome: int) -> tuple[list[Any], list[Any]]:
    """An unmoved cell beside the organism (1), its base (0) and a trained cell (1, then 0)."""
    still = {"id": "still", "status": "unmoved", "arm": "organism" if arm == "ladder" else arm}
    if arm == "reversal":
        still["parent"] = "moved"
    rows = [
        *rows_of("organism", 0, 1),
        *rows_of("base", 0, 0),
        *rows_of("moved", 0, 1),
        *rows_of("moved", 8, 0),
        *rows_of("still", 8, outcome),
    ]
    return [{"id": "moved", "status": "done", "arm": "organism"}, still], rows


@pytest.mark.parametrize(
    ("arm", "outcome"), [("ladder", 1), ("zero", 1), ("base", 0), ("reversal", 0)]
)
def test_it_is_held_against_what_it_began_from(arm: str, outcome: int) -> None:
    assert unmoved_problems(*board_of(arm, outcome)) == []
    (problem,) = unmoved_problems(*board_of(arm, 1 - outcome))
    assert "'still' is said not to have moved, and 20 of its 20 answers" in problem
