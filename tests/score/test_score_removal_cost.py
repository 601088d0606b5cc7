"""What removal costs: steps between two checkpoints, and what they are in other units."""

from __future__ import annotations

from typing import Any

from support.made_up_run import LADDER, cell, ladder, score, trained, untrained

from mobench.score.beside import RemovalCost, Span


def cost(rows: list[dict[str, Any]], cells: list[dict[str, Any]]) -> RemovalCost:
    found = score(rows, cells).cost
    assert found is not None
    return found


def test_steps_are_examples_tokens_and_seconds_in_proportion() -> None:
    rows, cells = ladder()
    for one in cells:
        one |= {"train_tokens": 64 * (1000 + 10 * one["seed"]), "train_seconds": 32.0}
    found = cost(rows, cells)
    assert found.lr == 3e-3
    assert (found.seeds, found.of_seeds) == (3, 3)
    assert found.steps == Span(16, 32)
    assert found.examples == Span(16 * 32, 32 * 32)
    # The seed with the shortest examples from below, that with the longest from above.
    assert found.tokens == Span(16 * 1000, 32 * 1020)
    assert found.seconds == Span(8.0, 16.0)


def test_a_result_from_before_seconds_were_recorded_has_none() -> None:
    rows, cells = ladder()
    for one in cells[1:]:
        one |= {"train_tokens": 64000, "train_seconds": 32.0}
    assert cost(rows, cells).seconds == Span(8.0, 16.0), "another rung's cell does not matter"
    del next(c for c in cells if c["lr"] == 3e-3)["train_seconds"]
    found = cost(rows, cells)
    assert found.seconds is None
    assert found.tokens is not None


def test_the_lowest_rung_that_removes_it_is_the_one_that_counts() -> None:
    rows, cells = untrained(), []
    for lr in (*LADDER, 5e-3):
        for seed in range(3):
            cells.append(cell(lr, seed))
            rows += trained(f"{lr:g}-{seed}", 0.0 if lr > 2e-3 else 1.0, 0.0)
    assert cost(rows, cells).lr == 3e-3


def test_where_nothing_removes_it_there_is_no_cost() -> None:
    rows, cells = ladder()
    removing = {c["id"] for c in cells if c["lr"] == 3e-3}
    kept = [r for r in rows if r["cell"] not in removing]
    found = cost(kept, [c for c in cells if c["id"] not in removing])
    assert (found.lr, found.steps, found.examples, found.tokens, found.seconds) == (None,) * 5
