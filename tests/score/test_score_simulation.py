"""Simulated outcomes have the truth that they are said to have."""

import numpy as np
import pytest

from mobench.score.simulation import Noise, beta_levels, draw_outcomes, suite_rate, two_state_levels


@pytest.mark.parametrize(
    "noise",
    [
        Noise(wobble=0.0),
        Noise(0.7, 0.5, 0.3, 0.8),
        Noise(difficulty=1.5),
        Noise(seed_preference=1.5),
    ],
)
@pytest.mark.parametrize("rate", [0.05, 0.6])
def test_the_rate_over_everything_is_the_level(noise, rate):
    """Whatever makes single outcomes differ, their mean stays put."""
    rng = np.random.default_rng(0)
    outcomes, _ = draw_outcomes(np.full(400, rate), 2, 400, noise, rng)
    # difficulty is shared by all seeds: one suite, so average over several
    suites = [draw_outcomes(np.full(40, rate), 2, 100, noise, rng)[0].mean() for _ in range(150)]
    assert np.mean([outcomes.mean(), *suites]) == pytest.approx(rate, abs=0.015)


def test_the_rate_on_one_suite_is_what_many_seeds_find_there():
    rng = np.random.default_rng(1)
    noise = Noise(1.0, 0.5, 0.25, 0.5)
    levels = beta_levels(0.4, 0.1)(rng, 4000)
    outcomes, difficulty = draw_outcomes(levels, 3, 20, noise, rng)
    assert outcomes.mean() == pytest.approx(suite_rate(levels, difficulty, noise), abs=0.006)
    assert abs(outcomes.mean() - 0.4) > 0.02  # these 20 prompts are not the population


def test_neighboring_checkpoints_wobble_together_as_asked():
    rng = np.random.default_rng(2)

    def correlation(asked):
        noise = Noise(wobble=1.0, correlation=asked)
        rates = draw_outcomes(np.full(400, 0.5), 2, 400, noise, rng)[0].mean(axis=2)
        return np.corrcoef(rates[:, 0], rates[:, 1])[0, 1]

    assert abs(correlation(0.0)) < 0.15
    assert correlation(0.8) == pytest.approx(0.8, abs=0.08)


def test_spread_has_the_mean_and_the_deviation_asked_for():
    levels = beta_levels(0.3, 0.15)(np.random.default_rng(3), 20_000)
    assert levels.mean() == pytest.approx(0.3, abs=0.005)
    assert levels.std() == pytest.approx(0.15, abs=0.005)
    assert set(beta_levels(0.98, 0.0)(np.random.default_rng(3), 5)) == {0.98}


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 0.1), (0.02, 0.15), (1.2, 0.1), (0.5, -0.1)])
def test_spreads_that_no_rate_can_have_are_refused(mean, sd):
    with pytest.raises(ValueError, match="no rate"):
        beta_levels(mean, sd)


def test_a_split_has_two_states_in_the_shares_asked_for():
    levels = two_state_levels(0.3, 0.02, 0.98)(np.random.default_rng(4), 5000)
    assert set(levels) == {0.02, 0.98}
    assert (levels == 0.02).mean() == pytest.approx(0.3, abs=0.02)


def test_a_level_for_each_checkpoint_makes_a_curve():
    path = np.tile([1.0, 0.0], (50, 1))
    outcomes, _ = draw_outcomes(path, 2, 30, Noise(), np.random.default_rng(5))
    assert outcomes[:, 0].all()
    assert not outcomes[:, 1].any()
