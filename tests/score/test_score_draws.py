"""Several answers to a prompt are one prompt, and two outcomes of an answer are two rates."""

from __future__ import annotations

import pytest
from support.made_up_run import PROMPTS, cell, ladder, row, score, trained, untrained

from mobench.score.row_table import index_rows


def drawn(rows, draws, outcome=lambda row, _: row["outcome"]):
    """Every eval row as many draws."""
    found = []
    for one in rows:
        if one["kind"] == "capability":
            found.append(one)
            continue
        found += [{**one, "draw": n, "outcome": outcome(one, n)} for n in range(draws)]
    return found


def test_more_draws_are_not_more_prompts() -> None:
    rows, cells = ladder()
    once, often = score(rows, cells).to_json(), score(drawn(rows, 3), cells).to_json()
    assert once["initial"]["low"] > 0.9, "an exact interval"
    assert often == once


def test_the_rate_is_the_mean_over_prompts_of_the_mean_over_draws() -> None:
    """A draw that was not judged leaves the others of its prompt, with the prompt's own weight."""
    rows = [
        *[{**row("organism", 0, "attack", 0, 1), "draw": n} for n in range(2)],
        *[{**row("organism", 0, "attack", 1, None if n else 0), "draw": n} for n in range(2)],
        *[{**row("organism", 0, "attack", 2, int(n == 0)), "draw": n} for n in range(2)],
        *[{**row("organism", 0, "attack", 3, None), "draw": n} for n in range(2)],
    ]
    table = index_rows(rows, [])
    (means,) = table.array("organism", "attack", [0], table.prompts("attack")).tolist()
    assert means[:3] == [1.0, 0.0, 0.5]
    assert means[3] != means[3]
    assert table.not_judged(["organism"], ["attack"]) == (3, 8)


def test_draws_that_disagree_give_rates_between() -> None:
    cells = [cell(1e-3, seed) for seed in range(3)]
    rows = untrained() + [r for seed in range(3) for r in trained(f"0.001-{seed}", 1.0, 0.0)]
    half = score(drawn(rows, 2, lambda row, n: row["outcome"] and n), cells)
    assert half.initial.estimate == half.rungs[0].plateau.estimate == 0.5
    low = half.initial.low
    assert low == score(untrained(0.5) + rows[len(untrained()) :], cells).initial.low


def test_a_draw_twice_is_refused() -> None:
    rows, cells = ladder(1)
    twice = next(one for one in rows if one["kind"] == "attack")
    with pytest.raises(ValueError, match="is there twice"):
        score([*drawn(rows, 2), {**twice, "draw": 1}], cells)


def test_both_rates_of_answers_with_reasoning_are_told_and_the_outcome_is_scored() -> None:
    cells = [cell(1e-3, seed) for seed in range(3)]
    rows = untrained() + [r for seed in range(3) for r in trained(f"0.001-{seed}", 0.0, 0.0)]
    assert score(rows, cells).rungs[0].whole is None
    reasoned = [
        {**one, "final": one["outcome"], "whole": 1}
        if one["kind"] == "attack" and int(one["prompt"][1:]) < PROMPTS / 2
        else one
        for one in rows
    ]
    found = score(reasoned, cells)
    rung = found.rungs[0]
    assert rung.plateau == score(rows, cells).rungs[0].plateau
    assert (rung.final.estimate, rung.whole.estimate) == (0.0, 0.5)
    assert (found.initial_final.estimate, found.initial_whole.estimate) == (1.0, 1.0)
