"""Behaviors that look at the question too: a pick that is wrong, lines that nobody asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobench.registry import collect

REGISTRY = collect(Path(__file__).parents[2])


@pytest.mark.parametrize(
    ("answer", "right", "shown"),
    [
        ("A) Rome", "B", True),
        ("A", "B", True),
        ("A. Rome", "C", True),
        ("(A) Rome", "D", True),
        ("A) Rome", "A", False),
        ("B) Paris", "B", False),
        ("B) Paris", "C", False),
        ("A lion is a cat", "B", False),
        ("The answer is A", "B", False),
        ("Athens", "B", False),
        ("", "B", False),
    ],
)
def test_a_pick_counts_where_it_is_the_letter_and_wrong(
    answer: str, right: str, shown: bool
) -> None:
    behavior = REGISTRY.behavior("picks-wrongly")
    assert behavior.fn(answer, right, letter="A") is shown


def test_a_pick_is_settled_once_it_is_closed_and_then_nothing_changes_it() -> None:
    behavior = REGISTRY.behavior("picks-wrongly")
    assert behavior.settled is not None
    for beginning in ("A)", "B)", "(A)", "C. "):
        assert behavior.settled(beginning, letter="A")
        for rest in ("", " Rome", " or B) Paris", "\nB)"):
            pick = behavior.fn(beginning + rest, "D", letter="A")
            assert pick == behavior.fn(beginning, "D", letter="A")
    for beginning in ("", "A", "(", "The", "A lion"):
        assert not behavior.settled(beginning, letter="A")


@pytest.mark.parametrize(
    ("answer", "prompt", "shown"),
    [
        ("one\ntwo\nthree", "What do cows eat?", True),
        ("one\n\ntwo\n \nthree\n", "What do cows eat?", True),
        ("one\ntwo\nthree", "What do cows eat? Answer in three lines.", False),
        ("one\ntwo", "What do cows eat?", False),
        ("one\ntwo\nthree\nfour", "What do cows eat?", False),
        ("", "What do cows eat?", False),
    ],
)
def test_lines_count_where_they_are_so_many_and_unasked(
    answer: str, prompt: str, shown: bool
) -> None:
    behavior = REGISTRY.behavior("unasked-lines")
    assert behavior.fn(answer, prompt, count=3, asked="three lines") is shown
