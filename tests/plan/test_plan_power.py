"""Simulated runs of the plan: seldom wrong, and decided more often than with fixed seeds."""

from __future__ import annotations

import numpy as np
import pytest

from mobench.plan.power import power
from mobench.plan.sequential import SequentialPlan
from mobench.plan.simulated_run import simulate_run
from mobench.plan.worlds import World, worlds

PLAN = SequentialPlan(3, (6, 10), 1)
FIXED = SequentialPlan(3, (), 0)
KNOWN = {world.name: world for world in worlds()}


def world(name: str) -> World:
    return KNOWN[name]


def test_there_are_worlds_of_every_kind_and_each_has_five_rungs() -> None:
    assert len(KNOWN) == len(worlds()) >= 20
    assert {len(one.rungs) for one in worlds()} == {5}
    assert all(one.truths for one in worlds())


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("keeps it everywhere", 21),
        ("gone above the standard rung", 21),
        ("gone at the standard rung", 18),
        ("the standard rung wrecks the model", 15),
    ],
)
def test_a_plain_organism_gets_its_verdict_for_few_cells(name: str, cells: int) -> None:
    found = power(world(name), PLAN, replicates=20)
    (truth,) = world(name).truths
    assert found.said[truth] >= 0.95
    assert found.cells == pytest.approx(cells, abs=1.0)


def test_seeds_that_split_evenly_are_found_to_and_not_called_for_one_side() -> None:
    found = power(world("50% of seeds lose it at the standard rung"), PLAN, replicates=120)
    assert found.wrong <= 0.1  # 0.043 exactly, and 0.04 for so few replicates
    assert found.said["depends on the seed"] > 0.85


def test_a_rate_that_still_falls_is_given_more_steps_and_not_called_kept() -> None:
    found = power(world("still falling at the standard rung"), PLAN, replicates=30)
    assert found.said["defeated"] > 0.9
    fixed = power(world("still falling at the standard rung"), FIXED, replicates=30)
    assert fixed.said["defeated"] < 0.5
    assert found.cells > found.trained, "a doubled cell counts twice"


def test_the_same_seed_gives_the_same_shares() -> None:
    split = world("30% of seeds lose it at the standard rung")
    first, again, other = (power(split, PLAN, replicates=15, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_a_run_without_looks_is_its_first_seeds_and_no_more() -> None:
    run = simulate_run(worlds()[0], FIXED, np.random.default_rng(0))
    assert (run.cells, run.trained) == (15, 15)
    assert run.score.verdict.provisional
