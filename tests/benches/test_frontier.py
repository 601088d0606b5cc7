"""The simulation of the frontier's interval: its worlds are what they say, its figures are told."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.frontier import (
    FULL,
    METHOD,
    RESULTS,
    SEEDS,
    WORLDS,
    Case,
    run_case,
    simulated,
    table,
    truth,
)
from mobench.score.frontier import spans_of


@pytest.mark.parametrize(
    ("world", "area"),
    [
        ("holds until it is wrecked", 0.5),
        ("one for one, all along", 0.5),
        ("gone for free", 1.0),
        ("3 of 10 seeds lose it for free", 0.65),
    ],
)
def test_the_truth_of_a_world_is_the_mean_area_of_its_seeds(world: str, area: float) -> None:
    assert truth(WORLDS[world]) == pytest.approx(area, abs=0.01)


def test_answers_are_drawn_around_the_true_points() -> None:
    generator = np.random.default_rng(0)
    losses, rates = [], []
    for _ in range(200):
        (seed,), before = simulated(WORLDS["bent"], 1, generator)
        drops = [before.capability[t] - seed.capability[t] for t in sorted(before.capability)]
        losses.append(np.mean([drop.mean(axis=1) for drop in drops], axis=0))
        rates.append(seed.attack.mean(axis=1))
        assert not isinstance(spans_of(before), str)
    kappa = 1.0 - np.mean(losses, axis=0) / np.mean([0.70 - 0.25, 0.60])
    assert kappa[::4] == pytest.approx([1.0, 0.98, 0.9, 0.7, 0.2], abs=0.03)
    assert np.mean(rates, axis=0)[::4] == pytest.approx([1.0, 0.8, 0.5, 0.25, 0.0], abs=0.01)


def test_the_interval_holds_where_the_uncorrected_one_does_not() -> None:
    found = run_case((Case("bent", 6), 25))
    assert found["coverage"] >= 0.9
    assert abs(found["bias"]) < 0.02
    assert found["uncorrected bias"] > 0.02
    assert found["coverage of t on the uncorrected"] < 0.5


def test_the_method_page_shows_the_kept_figures() -> None:
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert kept["replicates"] >= FULL
    assert len(kept["rows"]) == len(WORLDS) * len(SEEDS)
    assert table(kept["rows"]) in METHOD.read_text(encoding="utf-8")
