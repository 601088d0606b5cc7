"""Checkpoints are dense where a behavior may go, and even where its converged rate is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobench.plan.schedule import capability_checkpoints, checkpoints
from mobench.registry import collect
from mobench.registry.organism_schema import Preset
from mobench.score.window import in_window

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


def test_capability_steps_are_spread_over_the_last_half() -> None:
    assert capability_checkpoints(256, 4, checkpoints(256, 8)) == (160, 192, 224, 256)
    assert capability_checkpoints(256, 1, checkpoints(256, 8)) == (256,)


def test_a_half_that_lies_before_the_window_gets_no_capability() -> None:
    assert capability_checkpoints(5, 3, (0, 1, 2, 3, 4, 5)) == (3, 4, 5)
    assert capability_checkpoints(6, 4, checkpoints(6, 4)) == (4, 5, 6)


PRESETS = [
    pytest.param(preset, id=f"{name}-{preset_name}")
    for name, spec in collect(Path(__file__).parents[2]).organisms.items()
    for preset_name, preset in spec.presets.items()
]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("times", [1, 2, 37])
def test_every_preset_reads_eight_rates_and_four_capabilities_in_its_window(
    preset: Preset, times: int
) -> None:
    # A longer budget, as low rungs are given, keeps the preset's counts.
    steps = times * preset.steps
    kept = checkpoints(steps, preset.window_checkpoints)
    asked = capability_checkpoints(steps, preset.capability_checkpoints, kept)
    assert sum(in_window(step, steps) for step in kept) >= 8
    assert sum(in_window(step, steps) for step in asked) >= 4
    assert all(in_window(step, steps) for step in asked)
