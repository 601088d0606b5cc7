"""What is recorded of how a capability task was asked, beside its name and metric."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.questions import Asked

from mobench.measure.capability_tasks import how_asked


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (Asked("choice", "acc"), (3, "none", "multiple_choice", 24)),
        (Asked("choice", "acc", limit=7), (3, "none", "multiple_choice", 7)),
        (Asked("choice", "acc", limit=700), (3, "none", "multiple_choice", 24)),
        (Asked("said", "exact_match"), (0, "first", "generate_until", 24)),
        (Asked("said", "exact_match,last"), (0, "last", "generate_until", 24)),
    ],
)
def test_worked_examples_filter_and_questions_are_told(
    folder: Path, asked: Asked, told: tuple[int, str, str, int]
) -> None:
    found = how_asked(asked, include_path=folder)
    assert (found["fewshot"], found["filter"], found["output"], found["questions"]) == told


def test_members_of_a_group_that_differ_are_all_told(folder: Path) -> None:
    found = how_asked(Asked("both", "acc", limit=5), include_path=folder)
    assert found["fewshot"] == [0, 3]
    assert found["output"] == ["generate_until", "multiple_choice"]
    assert found["questions"] == 10
