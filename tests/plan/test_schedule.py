"""Checkpoints are dense where a behavior may go, and even where its converged rate is read."""

from __future__ import annotations

import pytest

from mobench.plan.schedule import capability_checkpoints, checkpoints

BUDGETS = pytest.mark.parametrize(
    ("steps", "window", "capability"),
    [(256, 8, 4), (64, 4, 2), (1000, 8, 4), (100, 5, 1), (40, 8, 3), (2, 1, 1)],
)


def test_the_grid_doubles_and_then_goes_in_even_steps() -> None:
    assert checkpoints(64, 4) == (0, 1, 2, 4, 8, 16, 32, 40, 48, 56, 64)


@BUDGETS
def test_every_budget_has_a_doubling_start_and_an_even_end(
    steps: int, window: int, capability: int
) -> None:
    kept = checkpoints(steps, window)
    half = steps // 2
    assert list(kept) == sorted(set(kept))
    assert kept[0] == 0
    assert kept[-1] == steps
    doubling = [2**k for k in range(20) if 2**k < half]
    assert [step for step in kept if 0 < step < half] == doubling
    end = [step for step in kept if step > half]
    assert len(end) == window
    gaps = [b - a for a, b in zip([half, *end], end, strict=False)]
    assert max(gaps) - min(gaps) <= 1


@BUDGETS
def test_capability_is_read_at_kept_steps_of_which_the_last_is_one(
    steps: int, window: int, capability: int
) -> None:
    kept = checkpoints(steps, window)
    chosen = capability_checkpoints(steps, capability, kept)
    assert set(chosen) <= set(kept)
    assert 0 not in chosen
    assert chosen[-1] == steps
    assert list(chosen) == sorted(set(chosen))
    assert len(chosen) <= capability


def test_capability_steps_are_spread_over_the_budget() -> None:
    assert capability_checkpoints(256, 4, checkpoints(256, 8)) == (64, 128, 192, 256)
