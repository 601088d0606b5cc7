"""What is recorded of how a capability task was asked, beside its name and metric."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.questions import CAPABILITY, Asked

from mobench.measure.capability_tasks import how_asked, load_task
from mobench.score.recompute import EARLIER_CHANCE


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


@pytest.mark.parametrize(
    ("asked", "chance"),
    [(Asked("choice", "acc"), None), (Asked("said", "exact_match"), 0.0)],
)
def test_who_guesses_hits_one_choice_of_all_and_no_words(
    folder: Path, asked: Asked, chance: float | None
) -> None:
    choices = load_task(folder, asked.task)[asked.task]
    if chance is None:
        sizes = [len(choices.doc_to_choice(question)) for question in choices.eval_docs]
        chance = sum(1 / size for size in sizes) / len(sizes)
        assert 0.1 < chance < 0.9
    assert how_asked(asked, include_path=folder)["chance"] == pytest.approx(chance, abs=1e-6)


def test_a_group_has_the_mean_over_its_members_questions(folder: Path) -> None:
    alone = [
        how_asked(Asked(*task, limit=5), include_path=folder)["chance"]
        for task in (("choice", "acc"), ("said", "exact_match"))
    ]
    both = how_asked(Asked("both", "acc", limit=5), include_path=folder)["chance"]
    assert both == pytest.approx(sum(alone) / 2, abs=1e-6)


def test_results_from_before_chance_was_recorded_have_what_the_tasks_say() -> None:
    for task, known in EARLIER_CHANCE.items():
        metric = "acc" if known else "exact_match"
        told = how_asked(Asked(task, metric), include_path=CAPABILITY)["chance"]
        assert told == known, task
