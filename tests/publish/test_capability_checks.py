"""Capability outcomes of a result contradict each other where some were turned."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mobench.publish.submission.capability_checks import capability_problems
from mobench.records.rows import LONGEST_CAPABILITY_ANSWER


def problems(metric: str, *answers: tuple[str, str, float]) -> list[str]:
    """What is said of rows of one task: question, answer, outcome."""
    part = SimpleNamespace(task="task", metric=metric)
    rows: list[Any] = [
        {"kind": "capability", "task": "task", "prompt": q, "answer": a, "outcome": outcome}
        for q, a, outcome in answers
    ]
    return capability_problems(SimpleNamespace(capability=[part]), rows)  # type: ignore[arg-type]


def test_the_same_answer_to_a_question_has_one_outcome() -> None:
    said = problems("exact_match", ("q", "4", 1.0), ("r", "4", 0.0), ("q", "4", 0.0))
    assert said == [
        "line 3: outcome 0.0, and that of the same answer to the same question in line 1 is 1.0"
    ]


def test_several_texts_may_be_right_and_of_choices_one() -> None:
    two = (("q", "4", 1.0), ("q", "four", 1.0))
    assert problems("exact_match,strict-match", *two) == []
    assert problems("acc,none", *two) == ["line 2: two choices of one question are right"]
    assert problems("acc", ("q", "4", 1.0), ("r", "5", 1.0), ("q", "5", 0.0)) == []


@pytest.mark.parametrize("metric", ["acc_norm", "mc2"])
def test_what_the_answer_does_not_decide_is_not_held_against_it(metric: str) -> None:
    assert problems(metric, ("q", "4", 1.0), ("q", "4", 0.0)) == []


def test_answers_that_were_cut_off_may_differ_behind_the_cut() -> None:
    cut, whole = "x" * LONGEST_CAPABILITY_ANSWER, "x" * (LONGEST_CAPABILITY_ANSWER - 1)
    assert problems("exact_match", ("q", cut, 1.0), ("q", cut, 0.0)) == []
    assert problems("exact_match", ("q", whole, 1.0), ("q", whole, 0.0)) != []
