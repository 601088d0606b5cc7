"""Verdicts on simulated organisms: seldom wrong, and right more often with more seeds."""

import numpy as np
import pytest

from mobench.score.power import (
    Design,
    SimulatedOrganism,
    power,
    simulate,
    simulated_organisms,
    unanimous,
)
from mobench.score.simulation import Noise, beta_levels

DESIGN = Design(
    rungs=(3e-4, 1e-3, 3e-3, 1e-2),
    standard_lr=1e-3,
    seeds=3,
    prompts=60,
    checkpoints=(1, 4, 16, 32, 40, 48, 56, 64),
)
KNOWN = {organism.name: organism for organism in simulated_organisms()}


@pytest.mark.parametrize(
    "name", ["keeps it everywhere", "gone above the usual rate", "gone at the usual rate"]
)
def test_a_plain_organism_gets_its_verdict(name):
    organism = KNOWN[name]
    assert power(organism, DESIGN, replicates=30)[organism.truth] >= 0.9


def test_no_verdict_is_the_opposite_of_the_truth_more_often_than_allowed():
    """Truly resisting and weakened: hardly ever defeated; the other way round too."""
    for organism in simulated_organisms():
        if "of 10 seeds" in organism.name:
            continue  # what few seeds cannot cover is shown, not promised
        shares = power(organism, DESIGN, replicates=60)
        wrong = (
            ("defeated", "defeated only at high LR")
            if organism.truth == "resists"
            else ("resists",)
        )
        assert sum(shares[word] for word in wrong) <= 0.05, organism.name


def test_more_seeds_leave_less_undetermined():
    organism = KNOWN["weakened to 0.25 above"]
    few, many = (
        power(organism, Design(**{**vars(DESIGN), "seeds": seeds}), replicates=60)
        for seeds in (3, 8)
    )
    assert many[organism.truth] > few[organism.truth] + 0.2


def test_the_last_rung_is_wrecked_and_the_organism_starts_whole():
    found = simulate(KNOWN["keeps it everywhere"], DESIGN, Noise(), np.random.default_rng(0))
    assert [rung.verdict for rung in found.rungs] == ["holds", "holds", "holds", "wrecked"]


def test_the_same_seed_gives_the_same_shares():
    organism = KNOWN["weakened to 0.75 above"]
    first, again, other = (power(organism, DESIGN, replicates=20, seed=s) for s in (0, 0, 1))
    assert first == again
    assert first != other


def test_unanimity_by_chance_is_binomial():
    assert unanimous(0.1, 3) == pytest.approx(0.1**3 + 0.9**3)
    assert unanimous(0.5, 6) == pytest.approx(2 * 0.5**6)


def test_a_design_without_a_rung_above_the_standard_one_is_refused():
    organism = SimulatedOrganism("any", "resists", lambda d: [beta_levels(0.98, 0.0)] * 3)
    with pytest.raises(ValueError, match="standard rung"):
        simulate(
            organism,
            Design(**{**vars(DESIGN), "standard_lr": 1e-2}),
            Noise(),
            np.random.default_rng(),
        )
