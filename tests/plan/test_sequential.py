"""What the sequential plan asks for next, and the cells that it makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mobench.plan.grown_ladder import GrownLadder
from mobench.plan.sequential import Request, SequentialPlan, next_requests, plan_of
from mobench.records.cells import Cell
from mobench.registry.organism_spec import Preset
from mobench.score.estimate import Estimate
from mobench.score.rung_summary import RungSummary
from mobench.score.seed_majority import SeedCounts

PLAN = SequentialPlan(3, (6, 10), 1)
RATE = Estimate(0.5, 0.0, 1.0, "t")


def rung(lr: float, kept: int, lost: int, moving: int = 0, **changes: Any) -> RungSummary:
    return RungSummary(
        **{
            "lr": lr,
            "counts": SeedCounts(kept, lost, moving),
            "retention": RATE,
            "admissible": "yes",
            "loss": RATE,
            **changes,
        }
    )


def asked(*rungs: RungSummary, plan: SequentialPlan = PLAN, doubled: Any = ()) -> Any:
    return next_requests(rungs, plan, standard_lr=1e-3, doubled=doubled)


def preset(**changes: Any) -> Preset:
    known = {
        "rungs": (1e-3, 3e-3),
        "seeds": 3,
        "steps": 64,
        "batch_size": 4,
        "window_checkpoints": 4,
        "capability_checkpoints": 2,
    }
    return Preset.model_validate({**known, **changes})


@pytest.mark.parametrize(
    ("changes", "looks"),
    [
        ({}, (6, 10)),
        ({"most_seeds": 6}, (6,)),
        ({"most_seeds": 8}, (6, 8)),
        ({"most_seeds": 3}, ()),
        ({"seeds": 8}, (10,)),
        ({"seeds": 12}, ()),
    ],
)
def test_the_plan_is_the_presets(changes: dict[str, int], looks: tuple[int, ...]) -> None:
    plan = plan_of(preset(**changes))
    assert plan.looks == looks
    assert plan.doublings == (1 if looks else 0)


def test_rungs_that_decide_get_six_seeds_at_once() -> None:
    assert asked(rung(3e-4, 3, 0), rung(1e-3, 3, 0), rung(3e-3, 0, 3), rung(1e-2, 0, 3)) == (
        Request(1e-3, 6, doubled=False),
        Request(3e-3, 6, doubled=False),
    )


def test_nothing_is_asked_for_once_it_is_decided() -> None:
    assert asked(rung(1e-3, 6, 0), rung(3e-3, 0, 6)) == ()
    assert asked(rung(1e-3, 9, 1), rung(3e-3, 1, 9)) == ()
    assert asked(rung(1e-3, 4, 2), rung(3e-3, 0, 3)) == (), "it depends on the seed"


def test_a_dissenter_asks_for_ten() -> None:
    assert asked(rung(1e-3, 5, 1)) == (Request(1e-3, 10, doubled=False),)


def test_seeds_that_move_get_twice_the_steps_once() -> None:
    assert asked(rung(1e-3, 2, 0, 1)) == (Request(1e-3, 3, doubled=True),)
    assert asked(rung(1e-3, 2, 0, 1), doubled=[1e-3]) == (Request(1e-3, 6, doubled=True),)
    assert asked(rung(1e-3, 8, 1, 1), doubled=[1e-3]) == (), "the cap is reached"


def test_unknown_capability_asks_for_more_seeds_where_the_behavior_is_lost() -> None:
    open_rung = rung(3e-3, 0, 6, admissible="undetermined")
    assert asked(rung(1e-3, 6, 0), open_rung) == (Request(3e-3, 10, doubled=False),)


def test_of_several_open_rungs_the_lowest_goes_first_and_at_its_cap_the_next() -> None:
    low, high = rung(3e-3, 2, 1), rung(1e-2, 2, 1)
    assert asked(rung(1e-3, 6, 0), low, high) == (Request(3e-3, 6, doubled=False),)
    spent = rung(3e-3, 7, 1, 2)
    assert asked(rung(1e-3, 6, 0), spent, high, doubled=[3e-3]) == (
        Request(1e-2, 6, doubled=False),
    )


def test_a_base_that_could_matter_is_asked_for_before_seeds() -> None:
    assert asked(rung(1e-3, 3, 0, base_wanted=True)) == (
        Request(1e-3, 3, doubled=False, base=True),
    )


@pytest.mark.parametrize("changes", [{"unmoved": 1}, {"not_judged": 0.3}])
def test_what_more_seeds_cannot_mend_is_left(changes: dict[str, float]) -> None:
    assert asked(rung(1e-3, 2, 1, **changes)) == ()


def test_a_plan_without_looks_asks_for_nothing() -> None:
    assert asked(rung(1e-3, 2, 0, 1), plan=SequentialPlan(3, (), 0)) == ()


@pytest.fixture
def ladder(cell: Cell) -> GrownLadder:
    cells = [replace(cell, lr=lr, seed=seed) for seed in range(3) for lr in (1e-3, 3e-3)]
    return GrownLadder(tuple(cells), preset(), {})


@pytest.fixture
def cell() -> Cell:
    return Cell(
        organism="o",
        organism_revision="r",
        organism_weights="w",
        task="t",
        task_version="v",
        examples="e",
        method="full",
        rank=None,
        alpha=None,
        lr=1e-3,
        seed=0,
        steps=64,
        batch_size=4,
        max_length=16,
        checkpoints=(0, 1, 32, 64),
        capability_checkpoints=(64,),
        backend="hf",
    )


def places(cells: list[Cell]) -> set[tuple[float, int, int]]:
    return {(cell.lr, cell.seed, cell.steps) for cell in cells}


def test_seeds_are_added_to_the_cells_that_are_there(ladder: GrownLadder) -> None:
    grown = ladder.with_requests([Request(3e-3, 6, doubled=False)])
    added = set(grown.cells()) - set(ladder.first)
    assert places(list(added)) == {(3e-3, seed, 64) for seed in (3, 4, 5)}
    assert set(ladder.first) < set(grown.cells())


def test_a_doubled_rung_is_trained_anew_with_all_its_seeds(ladder: GrownLadder) -> None:
    grown = ladder.with_requests([Request(3e-3, 3, doubled=True)])
    assert places(grown.cells()) == {
        *((1e-3, seed, 64) for seed in range(3)),
        *((3e-3, seed, 128) for seed in range(3)),
    }
    more = grown.with_requests([Request(3e-3, 6, doubled=True)])
    assert len([cell for cell in more.cells() if cell.lr == 3e-3]) == 6
    assert {cell.checkpoints[-1] for cell in more.cells() if cell.lr == 3e-3} == {128}


def test_the_base_is_trained_with_the_rungs_seeds_beside_its_control(ladder: GrownLadder) -> None:
    controls = [replace(cell, arm="base") for cell in ladder.first if cell.seed == 0]
    grown = ladder.with_requests([Request(1e-3, 3, doubled=False, base=True)])
    assert places(grown.base_cells(controls)) == {(1e-3, 1, 64), (1e-3, 2, 64)}
    assert {cell.arm for cell in grown.base_cells(controls)} == {"base"}
    assert ladder.base_cells(controls) == []


def test_at_a_doubled_budget_one_seed_of_the_base_comes_first(ladder: GrownLadder) -> None:
    controls = [replace(cell, arm="base") for cell in ladder.first if cell.seed == 0]
    once = ladder.with_requests([Request(1e-3, 3, doubled=True)])
    assert once.base_cells(controls) == []
    one = once.with_requests([Request(1e-3, 3, doubled=True, base=True)])
    assert places(one.base_cells(controls)) == {(1e-3, 0, 128)}
    all_seeds = one.with_requests([Request(1e-3, 3, doubled=True, base=True)])
    assert places(all_seeds.base_cells(controls)) == {(1e-3, seed, 128) for seed in range(3)}
