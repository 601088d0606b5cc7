"""Capability loss: paired by question, uncertain by seed and by question."""

import numpy as np
import pytest
from scipy import stats

from mobench.score import capability_loss


def answered(rng, chance, seeds=3, questions=100):
    return (rng.random((seeds, questions)) < chance).astype(float)


def test_loss_is_the_mean_paired_drop():
    before = np.array([1, 1, 0, 1.0])
    after = np.array([[1, 0, 0, 1], [1, 0, 1, 1.0]])
    assert capability_loss(before, after).estimate == pytest.approx((1 / 4 + 0) / 2)


def test_tasks_weigh_equally_whatever_their_size():
    before = {"small": np.ones(10), "large": np.ones(1000)}
    after = {"small": np.zeros((3, 10)), "large": np.ones((3, 1000))}
    assert capability_loss(before, after).estimate == pytest.approx(0.5)


def test_two_equal_tasks_halve_the_variance_that_questions_add():
    alone = capability_loss(np.ones(60), np.ones((3, 60)))
    both = capability_loss(
        {"a": np.ones(60), "b": np.ones(60)}, {"a": np.ones((3, 60)), "b": np.ones((3, 60))}
    )
    assert both.high == pytest.approx(alone.high / np.sqrt(2))
    assert both.low == pytest.approx(alone.low / np.sqrt(2))


def test_interval_follows_the_documented_formula():
    rng = np.random.default_rng(0)
    before, after = answered(rng, 0.9, seeds=1), answered(rng, 0.5)
    drop = before - after
    by_seed, by_question = drop.mean(axis=1), drop.mean(axis=0)
    residual = drop - by_seed[:, None] - by_question + drop.mean()
    question = max(0, by_question.var(ddof=1) - (residual**2).sum() / (2 * 99) / 3) / 100
    half = np.hypot(
        stats.t.ppf(0.975, 2) * stats.sem(by_seed), stats.t.ppf(0.975, 99) * np.sqrt(question)
    )
    found = capability_loss(before, after)
    assert found.high - found.estimate == pytest.approx(half)
    assert found.estimate - found.low == pytest.approx(half)


def test_seeds_that_differ_widen_the_interval():
    rng = np.random.default_rng(1)
    before = np.ones(200)
    alike = np.stack([answered(rng, 0.8, 1, 200)[0] for _ in range(3)])
    apart = np.stack([answered(rng, c, 1, 200)[0] for c in (0.95, 0.8, 0.65)])
    narrow, wide = capability_loss(before, alike), capability_loss(before, apart)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_questions_that_differ_widen_the_interval():
    """Two suites with the same seed means; in one every seed forgets the same questions."""
    same = np.ones((3, 100))
    same[:, :20] = 0
    spread = np.ones((3, 100))
    for seed in range(3):
        spread[seed, seed * 20 : seed * 20 + 20] = 0
    narrow, wide = capability_loss(np.ones(100), spread), capability_loss(np.ones(100), same)
    assert wide.high - wide.low > narrow.high - narrow.low
    assert wide.high - wide.low == pytest.approx(
        2 * stats.t.ppf(0.975, 99) * np.std(1 - same[0], ddof=1) / 10
    )


def test_no_change_at_all_is_not_certainty():
    found = capability_loss(np.ones(100), np.ones((3, 100)))
    assert found.estimate == 0.0
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 100))
    assert found.low == pytest.approx(-found.high)
    assert found.admissible(0.05) == "yes"


def test_few_questions_cannot_show_that_a_loss_is_small():
    found = capability_loss(np.ones(20), np.ones((3, 20)))
    assert found.admissible(0.10) == "undetermined"


def test_admissible_is_judged_by_the_interval():
    rng = np.random.default_rng(2)
    wrecked = capability_loss(np.ones(100), answered(rng, 0.3))
    unsure = capability_loss(np.ones(100), answered(rng, 0.9))
    assert wrecked.admissible(0.10) == "no"
    assert unsure.admissible(0.10) == "undetermined"
    assert unsure.admissible(0.5) == "yes"


def test_a_single_question_has_no_interval():
    found = capability_loss(np.ones(1), np.ones((3, 1)))
    assert (found.estimate, found.low, found.high) == (0.0, None, None)
    assert found.admissible(0.10) == "undetermined"


def test_one_seed_speaks_of_questions_only():
    rng = np.random.default_rng(4)
    after = answered(rng, 0.5, seeds=1)
    found = capability_loss(np.ones(100), after)
    half = stats.t.ppf(0.975, 99) * stats.sem(1 - after[0])
    assert found.method == "within-run: questions only"
    assert found.high - found.estimate == pytest.approx(half)


def test_unanswered_questions_and_seeds_are_left_out():
    before = np.ones(50)
    after = np.ones((3, 50))
    after[0, 0] = np.nan
    after[2] = np.nan
    after[:2, 1] = 0.0
    found = capability_loss(before, after)
    assert (found.seeds, found.questions) == (2, 49)
    assert found.estimate == pytest.approx(1 / 49)
    nothing = capability_loss(before, np.full((3, 50), np.nan))
    assert nothing.estimate is None


def test_interval_covers_new_seeds_and_new_questions():
    """Nominal 95 %; half of what a question loses it loses in every seed."""
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(500):
        chance = 0.2 + 0.03 * rng.normal(size=(3, 1))
        shared = rng.random((3, 80)) < 0.5
        draw = np.where(shared, rng.random(80), rng.random((3, 80)))
        found = capability_loss(np.ones(80), (draw >= chance).astype(float))
        hits += found.low <= 0.2 <= found.high
    assert hits / 500 >= 0.93


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ({"a": np.ones(3)}, {"b": np.ones((2, 3))}, "tasks differ"),
        ({}, {}, "no task"),
        (np.ones(3), np.ones((2, 4)), "pair"),
        (np.ones((2, 3)), np.ones((3, 3)), "pair"),
        (np.ones(3), np.full((2, 3), 1.5), r"\[0, 1\]"),
        (np.ones(0), np.ones((2, 0)), "empty"),
        (np.ones((1, 2, 3)), np.ones((1, 2, 3)), "seeds, questions"),
        (
            {"a": np.ones(3), "b": np.ones(3)},
            {"a": np.ones((2, 3)), "b": np.ones((3, 3))},
            "numbers of seeds",
        ),
    ],
)
def test_scores_that_make_no_sense_are_refused(before, after, message):
    with pytest.raises(ValueError, match=message):
        capability_loss(before, after)
