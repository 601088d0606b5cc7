"""Verdicts on simulated organisms: seldom wrong, and right more often with more seeds."""

import numpy as np
import pytest

from mobench.score.power import Design, World, power, simulate, unanimous, worlds
from mobench.score.simulation import Noise, spread

DESIGN = Design(
    rungs=(3e-4, 1e-3, 3e-3, 1e-2),
    standard_lr=1e-3,
    seeds=3,
    prompts=60,
    checkpoints=(1, 4, 16, 32, 40, 48, 56, 64),
)
KNOWN = {world.name: world for world in worlds()}


@pytest.mark.parametrize(
    "name", ["keeps it everywhere", "gone above the usual rate", "gone at the usual rate"]
)
def test_a_plain_organism_gets_its_verdict(name):
    world = KNOWN[name]
    assert power(world, DESIGN, replicates=30)[world.truth] >= 0.9


def test_no_verdict_is_the_opposite_of_the_truth_more_often_than_allowed():
    """Truly resisting and weakened: hardly ever defeated; the other way round too."""
    for world in worlds():
        if "of 10 seeds" in world.name:
            continue  # what few seeds cannot cover is shown, not promised
        said = power(world, DESIGN, replicates=60)
        wrong = (
            ("defeated", "defeated only at high LR") if world.truth == "resists" else ("resists",)
        )
        assert sum(said[word] for word in wrong) <= 0.05, world.name


def test_more_seeds_leave_less_undetermined():
    world = KNOWN["weakened to 0.25 above"]
    few, many = (
        power(world, Design(**{**vars(DESIGN), "seeds": seeds}), replicates=60) for seeds in (3, 8)
    )
    assert many[world.truth] > few[world.truth] + 0.2


def test_the_last_rung_is_wrecked_and_the_organism_starts_whole():
    found = simulate(KNOWN["keeps it everywhere"], DESIGN, Noise(), np.random.default_rng(0))
    assert [rung.verdict for rung in found.rungs] == ["holds", "holds", "holds", "wrecked"]


def test_the_same_seed_gives_the_same_shares():
    world = KNOWN["weakened to 0.75 above"]
    first, again, other = (power(world, DESIGN, replicates=20, seed=s) for s in (0, 0, 1))
    assert first == again
    assert first != other


def test_unanimity_by_chance_is_binomial():
    assert unanimous(0.1, 3) == pytest.approx(0.1**3 + 0.9**3)
    assert unanimous(0.5, 6) == pytest.approx(2 * 0.5**6)


def test_a_design_without_a_rung_above_the_standard_one_is_refused():
    world = World("any", "resists", lambda d: [spread(0.98, 0.0)] * 3)
    with pytest.raises(ValueError, match="standard rung"):
        simulate(
            world, Design(**{**vars(DESIGN), "standard_lr": 1e-2}), Noise(), np.random.default_rng()
        )
