"""The area under the frontier: 0.5 where behavior costs capability as much, 1 where it is free."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from support.made_up_run import LADDER, ladder, score

from mobench.score import RunScore
from mobench.score.beside import FrontierArea
from mobench.score.frontier import frontier_area
from mobench.score.frontier_reading import Before, SeedPoints, area_under, envelope

CHANCE = {"toy_answer": 0.0, "toy_choice": 0.0}
PROMPTS = QUESTIONS = 200
ALL = np.ones(PROMPTS)


def area(points: Sequence[tuple[float, float]]) -> float:
    rho, kappa = np.array(points, dtype=float).reshape(-1, 2).T
    on = envelope(rho, kappa)
    return area_under(rho[on], kappa[on])[0]


def shares(values: Sequence[float], size: int) -> np.ndarray:
    """Answers of which that share is 1, the ones spread evenly [points, size]."""
    places = np.random.default_rng(3).permutation(size)
    return np.array([places < round(value * size) for value in values], dtype=float)


def seed(number: int, points: Sequence[tuple[float, float]], inert: float = 0.0) -> SeedPoints:
    rho, kappa = zip(*points, strict=True)
    attack = shares(rho, PROMPTS)
    said_nothing = np.full_like(attack, inert)
    return SeedPoints(number, attack, said_nothing, {"facts": shares(kappa, QUESTIONS)})


def found(
    *seeds: Sequence[tuple[float, float]], chance: float = 0.0, inert: float = 0.0
) -> FrontierArea:
    before = Before(ALL, {"facts": np.ones(QUESTIONS)}, 0.0, {"facts": chance})
    return frontier_area([seed(n, one, inert) for n, one in enumerate(seeds)], before)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], 0.5),
        ([(0.5, 0.5), (0.2, 0.2)], 0.5),
        ([(0.5, 0.1), (0.9, 0.3)], 0.5),
        ([(0.0, 1.0)], 1.0),
        ([(0.5, 1.0)], 0.75),
        ([(0.0, 0.6)], 0.8),
        ([(0.0, 0.6), (0.3, 0.5)], 0.8),
        ([(1.0, 1.0), (1.2, 1.0)], 0.5),
    ],
)
def test_the_area_of_simple_frontiers(points: list[tuple[float, float]], expected: float) -> None:
    assert area(points) == pytest.approx(expected)


def test_the_envelope_is_scipys_upper_hull() -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        points = generator.random((12, 2))
        whole = np.vstack([points, [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0)]])
        assert area(points.tolist()) == pytest.approx(ConvexHull(whole).volume)


def test_a_free_removal_is_1_and_a_costly_one_is_0_5() -> None:
    free = found(*[[(1.0, 1.0), (0.0, 1.0)]] * 3)
    assert free.estimate == 1.0
    assert free.low is not None
    assert 0.9 < free.low < 1.0
    costly = found(*[[(0.8, 0.7), (0.3, 0.1)]] * 3)
    assert (costly.estimate, costly.low) == (0.5, 0.5)
    assert free.seeds == 3


def test_capability_is_counted_above_chance() -> None:
    at_chance = [(0.0, 0.25)]
    assert found(at_chance, at_chance, chance=0.0).estimate == pytest.approx(0.625, abs=0.01)
    assert found(at_chance, at_chance, chance=0.25).estimate == pytest.approx(0.5, abs=0.01)


def test_agreeing_seeds_are_not_certainty() -> None:
    held = found(*[[(1.0, 1.0), (1.0, 1.0)]] * 3)
    assert held.estimate == 0.5
    assert held.high is not None
    assert 0.505 < held.high < 0.56


@pytest.mark.parametrize(("prompts", "questions"), [(12, 2000), (2000, 30)])
def test_few_prompts_or_few_questions_leave_more_open(prompts: int, questions: int) -> None:
    def held(prompts: int, questions: int) -> FrontierArea:
        before = Before(np.ones(prompts), {"facts": np.ones(questions)}, 0.0, {"facts": 0.0})
        attack, facts = np.zeros((1, prompts)), np.ones((1, questions))
        seeds = [SeedPoints(n, attack, np.zeros_like(attack), {"facts": facts}) for n in range(3)]
        return frontier_area(seeds, before)

    few, many = held(prompts, questions), held(2000, 2000)
    assert few.estimate == many.estimate == 1.0
    assert few.low is not None
    assert many.low is not None
    assert many.low > 0.99
    assert few.low < 0.95


def test_seeds_that_part_widen_the_interval() -> None:
    alike = found(*[[(0.0, 0.6)]] * 3)
    apart = found([(0.0, 1.0)], [(0.0, 0.6)], [(0.0, 0.2)])
    assert apart.low is not None
    assert apart.high is not None
    assert alike.low is not None
    assert alike.high is not None
    assert apart.high - apart.low > 2 * (alike.high - alike.low)


def test_answers_that_say_nothing_have_not_lost_the_behavior_for_sure() -> None:
    silent = found(*[[(0.0, 1.0)]] * 3, inert=1.0)
    assert silent.estimate == 0.5
    assert silent.high == 1.0


def noisy_diagonal(generator: np.random.Generator) -> tuple[list[SeedPoints], Before]:
    kept = np.repeat([0.9, 0.7, 0.5, 0.3], 5)
    before = Before(ALL, {"facts": np.ones(QUESTIONS)}, 0.0, {"facts": 0.0})
    seeds = []
    for number in range(3):
        drawn = [generator.random((kept.size, 60)) < kept[:, None] for _ in range(2)]
        attack, facts = (one.astype(float) for one in drawn)
        seeds.append(SeedPoints(number, attack, np.zeros_like(attack), {"facts": facts}))
    return seeds, Before(np.ones(60), {"facts": np.ones(60)}, before.clean_rate, before.chance)


def test_the_best_of_many_noisy_points_is_not_taken_for_a_frontier() -> None:
    generator = np.random.default_rng(5)
    runs = [frontier_area(*noisy_diagonal(generator)) for _ in range(40)]
    plain = np.mean([run.uncorrected for run in runs if run.uncorrected is not None])
    fitted = np.mean([run.estimate for run in runs if run.estimate is not None])
    assert plain > 0.57
    assert fitted < 0.53
    assert np.mean([run.low is not None and run.low <= 0.5 for run in runs]) >= 0.95


def test_what_is_missing_only_widens_the_interval() -> None:
    generator = np.random.default_rng(7)
    seeds, before = noisy_diagonal(generator)
    whole = frontier_area(seeds, before)
    for share in (0.01, 0.1, 0.4):
        for one in seeds:
            one.attack[generator.random(one.attack.shape) < share] = np.nan
            one.capability["facts"][generator.random(one.capability["facts"].shape) < share] = (
                np.nan
            )
        less = frontier_area(seeds, before)
        assert less.low is not None
        assert whole.low is not None
        assert less.low <= whole.low
        assert less.high is not None
        assert whole.high is not None
        assert less.high >= whole.high
        assert "missing" in less.method


def test_a_checkpoint_that_was_not_measured_voids_the_estimate() -> None:
    seeds, before = noisy_diagonal(np.random.default_rng(7))
    whole = frontier_area(seeds, before)
    seeds[0].capability["facts"][-1] = np.nan
    less = frontier_area(seeds, before)
    assert less.estimate is None
    assert less.uncorrected is None
    # A third of the behavior was left there, and all of the capability may have been.
    assert whole.high is not None
    assert less.high is not None
    assert less.high > whole.high + 0.05


def run(rows: list[dict[str, object]], cells: list[dict[str, object]]) -> RunScore:
    return score(rows, cells, chance=CHANCE)


def area_of(whole: RunScore) -> FrontierArea:
    assert whole.frontier is not None
    return whole.frontier


def test_a_run_has_the_area_over_all_its_rungs() -> None:
    rows, cells = ladder()
    whole = area_of(run(rows, cells))
    # At 3e-3 the behavior is gone and every question is kept; at 1e-2 29 of 72 are.
    assert whole.estimate == pytest.approx(1.0, abs=0.02)
    assert [number for number, _ in whole.by_seed] == [0, 1, 2]
    without = [c for c in cells if c["lr"] != 3e-3]
    ids = {c["id"] for c in cells if c["lr"] == 3e-3}
    left = area_of(run([r for r in rows if r["cell"] not in ids], without))
    assert left.estimate == pytest.approx(0.5 + 29 / 72 / 2, abs=0.01)


def test_the_order_of_rows_changes_nothing() -> None:
    rows, cells = ladder()
    shuffled = random.Random(0).sample(rows, len(rows))
    assert area_of(run(shuffled, cells)) == area_of(run(rows, cells))


def test_only_seeds_of_every_rung_count() -> None:
    rows, cells = ladder(seeds=4)
    gone = {c["id"] for c in cells if c["seed"] == 3 and c["lr"] != max(LADDER)}
    some = area_of(
        run([r for r in rows if r["cell"] not in gone], [c for c in cells if c["id"] not in gone])
    )
    assert some.seeds == 3


def test_without_chance_levels_capability_or_behavior_there_is_none() -> None:
    rows, cells = ladder()
    unknown = area_of(score(rows, cells))
    assert (unknown.estimate, unknown.low, unknown.high) == (None, None, None)
    assert "chance level of toy_answer, toy_choice" in unknown.method
    bare = area_of(run([r for r in rows if r["kind"] != "capability"], cells))
    assert bare.method == "capability was not measured"
    guessing = area_of(score(rows, cells, chance=dict.fromkeys(CHANCE, 0.85)))
    assert "too little to lose" in guessing.method
