"""No run of a plan trains more than it is said to at most."""

from __future__ import annotations

import numpy as np
import pytest

from mobench.plan.growth_cost import Added, likely_growth, most_growth
from mobench.plan.sequential import SequentialPlan, plan_of
from mobench.plan.simulated_run import LRS, Measured, simulate_run
from mobench.plan.worlds import KEPT, RungLaw, World, falling, jumping, losing, parting, steady
from mobench.registry.organism_spec import Preset

STEPS = 100


def preset(**changes: object) -> Preset:
    known = {
        "rungs": LRS,
        "seeds": 3,
        "steps": STEPS,
        "batch_size": 4,
        "window_checkpoints": 4,
        "capability_checkpoints": 2,
    }
    return Preset.model_validate({**known, **changes})


def cells(parts: tuple[Added, ...]) -> float:
    """In cells of the ordinary budget."""
    return sum(part.cells * part.steps for part in parts) / STEPS


def restless(rung: RungLaw) -> World:
    return World("restless", frozenset(), 1, (rung,) * 5)


@pytest.mark.parametrize(
    "rung",
    [
        RungLaw(jumping(0.5), losing(0.0)),
        RungLaw(jumping(0.9, stays=0.9), losing(0.0)),
        RungLaw(parting(0.1), losing(0.08, 0.05)),
        RungLaw(falling((0.5, 4.0), 1.0), losing(0.0)),
        RungLaw(steady(KEPT), losing(0.1, 0.02)),
    ],
    ids=["jumps", "mostly high", "parts", "falls", "capability open"],
)
def test_no_simulated_run_takes_more_than_the_most(rung: RungLaw) -> None:
    plan = plan_of(preset())
    bound = 5 * plan.seeds + cells(most_growth(plan, preset(), base=False))
    rng = np.random.default_rng(0)
    measured = Measured(prompts=20, window=4, questions=(40,))
    runs = [simulate_run(restless(rung), plan, rng, measured).cells for _ in range(5)]
    assert max(runs) <= bound
    assert max(runs) > 5 * plan.seeds, "the plan had something to add"


def test_at_most_every_rung_has_all_seeds_and_then_all_of_them_go_on_to_twice_the_steps() -> None:
    plan = SequentialPlan(3, (6, 10), 1)
    assert most_growth(plan, preset(), base=False) == (Added(35, STEPS), Added(50, STEPS))
    assert most_growth(plan, preset(), base=True) == (
        Added(35, STEPS),
        Added(45, STEPS),
        Added(100, STEPS),
    )


@pytest.mark.parametrize(
    ("reversal", "base", "undone"),
    [(True, True, 6 + 3), (True, False, 6 + 2), (2, False, 2 + 2)],
)
def test_likely_two_rungs_get_their_next_look_and_what_is_removed_is_undone(
    reversal: bool | int, base: bool, undone: int
) -> None:
    found = likely_growth(plan_of(preset()), preset(reversal=reversal), base=base)
    assert found == (Added(6, STEPS), Added(undone, STEPS // 2, reversal=True))
    assert likely_growth(plan_of(preset()), preset(reversal=False), base=base) == found[:1]


def test_a_plan_without_looks_adds_at_most_a_reversal() -> None:
    fixed = {"seeds": 3, "most_seeds": 3}
    for growth in (likely_growth, most_growth):
        plain, undoing = preset(**fixed), preset(**fixed, reversal=True)
        assert growth(plan_of(plain), plain, base=True) == ()
        assert growth(plan_of(undoing), undoing, base=True) == (Added(6, 50, reversal=True),)
