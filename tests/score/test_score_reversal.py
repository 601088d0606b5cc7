"""Removed or suppressed: what undoing the task shows, and when it shows nothing."""

from __future__ import annotations

from typing import Any

import pytest
from support.made_up_run import cell, ladder, score, trained

from mobench.publish.pages.ladder_table import ladder_table
from mobench.score import Reversal, RunScore

Rows = list[dict[str, Any]]


def undone(rates: tuple[float, ...], onward: float = 0.0, base: float | None = None) -> RunScore:
    """A ladder whose removing rung goes on, and ends at those rates."""
    rows, cells = ladder()
    controls: Rows = []

    def go_on(arm: str, task: str, seed: int, rate: float) -> None:
        name = f"{arm}-{seed}"
        controls.append(cell(1e-3, seed, id=name, arm=arm, task=task, parent=f"0.003-{seed}"))
        rows.extend(trained(name, rate, 0.0))

    for seed, rate in enumerate(rates):
        go_on("reversal", "toy-self", seed, rate)
    go_on("onward", "toy-benign", 0, onward)
    if base is not None:
        go_on("reversal-base", "toy-self", 0, base)
    return score(rows, cells, controls=controls)


def reversal(*rates: float, **beside: Any) -> Reversal:
    found = undone(rates, **beside).reversal
    assert found is not None
    return found


def test_a_ladder_that_was_not_gone_on_with_says_nothing() -> None:
    assert score(*ladder()).reversal is None


@pytest.mark.parametrize(
    ("rates", "word"),
    [
        ((0.0, 0.0, 0.1), "removed"),
        ((0.9, 1.0, 0.8), "suppressed (returns)"),
        ((0.9, 1.0, 0.0, 0.1), "returns in some seeds"),
        ((0.9, 0.0, 0.0), "unknown"),
    ],
)
def test_what_most_seeds_do_is_the_word(rates: tuple[float, ...], word: str) -> None:
    found = reversal(*rates)
    assert found.word == word
    assert (found.task, found.lr, found.steps) == ("toy-self", 1e-3, 64)
    assert found.returned == sum(rate > 0.5 for rate in rates)
    assert found.provisional, "fewer than six seeds"


def test_six_seeds_are_enough() -> None:
    assert not reversal(*[0.0] * 6).provisional


def test_data_that_teach_the_base_the_behavior_show_no_return() -> None:
    assert reversal(1.0, 1.0, 1.0, base=0.0).word == "suppressed (returns)"
    taught = reversal(1.0, 1.0, 1.0, base=1.0)
    assert taught.word == "unknown"
    assert "the clean base comes to show it by the same data" in taught.why
    assert reversal(0.0, 0.0, 0.0, base=1.0).word == "removed", "it stays away all the same"


def test_a_return_that_needs_no_undoing_is_told() -> None:
    assert "going on with the task, too" in reversal(1.0, 1.0, 1.0, onward=1.0).why
    assert "going on with" not in reversal(1.0, 1.0, 1.0).why


def test_no_other_number_rests_on_it() -> None:
    rows, cells = ladder()
    plain, found = score(rows, cells), undone((1.0, 1.0, 1.0))
    assert (found.verdict, found.rungs, found.resistance) == (
        plain.verdict,
        plain.rungs,
        plain.resistance,
    )
    table = ladder_table(found)
    assert "suppressed (returns) (provisional): once the task is undone, by 64 steps" in table
    assert "it comes back in 3 seeds" not in table
    assert "it comes back in 3 of 3 seeds and stays away in 0" in table
