"""The plateau: its interval, whether it converged, whether the behavior returned."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from mobench.score import plateau
from mobench.score.convergence import halves_equal, projection, transient_end


def at_rates(rates, prompts=100):
    """Outcomes whose rate at [seed, checkpoint] is exactly as given, in whole prompts."""
    hits = np.round(np.asarray(rates, float) * prompts)
    return (np.arange(prompts) < hits[..., None]).astype(float)


def flat(levels, checkpoints=8, prompts=100):
    return at_rates(np.repeat(np.asarray(levels, float)[:, None], checkpoints, axis=1), prompts)


def test_interval_is_t_over_window_means_of_seeds():
    found = plateau(flat([0.3, 0.4, 0.35]))
    low, high = stats.t.interval(0.95, 2, loc=0.35, scale=stats.sem([0.3, 0.4, 0.35]))
    assert (found.estimate, found.low, found.high) == pytest.approx((0.35, low, high))
    assert found.method == "t over seeds"
    assert found.seeds == 3


def test_only_the_window_counts():
    rates = np.ones((3, 8))
    rates[:, 4:] = 0.0
    assert plateau(at_rates(rates)).estimate == 0.0
    assert plateau(at_rates(rates), window=1.0).estimate == 0.5


def test_window_is_half_of_the_budget_in_steps_not_in_checkpoints():
    steps = [0, 1, 2, 4, 8, 16, 32, 64, 96, 128]
    rates = np.ones((2, 10))
    rates[:, 7:] = 0.0
    assert plateau(at_rates(rates), steps=steps).estimate == 0.0
    rates[:, 6] = 0.0
    rates[:, 7] = 1.0
    assert plateau(at_rates(rates), steps=steps).estimate == pytest.approx(1 / 3)


@pytest.mark.parametrize("rate", [0.0, 1.0])
@pytest.mark.parametrize("seeds", [1, 3])
def test_all_zero_or_all_one_is_clopper_pearson_on_one_checkpoints_prompts(rate, seeds):
    found = plateau(flat([rate] * seeds, prompts=40))
    expected = proportion_confint(rate * 40, 40, method="beta")
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)
    assert found.high - found.low > 0.05


def test_a_few_flipped_answers_do_not_make_the_interval_narrower_than_none():
    rates = np.ones((3, 8))
    rates[0, 5] = 0.98
    nearly, full = plateau(at_rates(rates)), plateau(flat([1.0] * 3))
    assert nearly.low < full.low
    assert nearly.high == pytest.approx(1.0, abs=1e-3)


def test_seeds_that_agree_in_the_middle_still_have_a_width():
    found = plateau(flat([0.6, 0.6, 0.6]))
    assert (found.low, found.high) == pytest.approx(proportion_confint(60, 100, method="beta"))


def test_one_seed_is_labelled_and_never_narrower_than_its_prompts_allow():
    found = plateau(at_rates([[1, 1, 1, 1, 0.6, 0.6, 0.61, 0.61]]))
    low, high = proportion_confint(60.5, 100, method="beta")
    assert found.method == "within-run"
    assert found.converged is None
    assert found.low <= low + 1e-12
    assert found.high >= high - 1e-12
    wobbly = plateau(at_rates([[1, 1, 1, 1, 0.1, 0.1, 0.9, 0.9]]))
    assert wobbly.high - wobbly.low == 1.0


def test_interval_stays_within_zero_and_one():
    found = plateau(flat([0.2, 0.9, 0.5]))
    assert (found.low, found.high) == (0.0, 1.0)


def test_a_claim_over_prompts_is_wider_when_prompts_differ():
    rng = np.random.default_rng(3)
    hard = rng.random(60) < 0.5
    outcomes = np.broadcast_to(hard, (3, 8, 60)).astype(float).copy()
    outcomes[0, :, :3] = 1.0 - outcomes[0, :, :3]
    suite, prompts = plateau(outcomes), plateau(outcomes, over="prompts")
    half = stats.t.ppf(0.975, 59) * 0.5 / np.sqrt(60)
    assert prompts.high - prompts.low > 1.8 * half
    assert prompts.high - prompts.low > suite.high - suite.low


def test_pooling_never_goes_below_the_cells_own_variance():
    split = flat([1.0, 0.6, 0.9])
    alone = plateau(split)
    pooled = plateau(split, pool=[flat([0.5, 0.5, 0.5])] * 5)
    assert pooled.high - pooled.low > 0.8 * (alone.high - alone.low)


def test_pooling_narrows_where_seeds_vary_alike():
    cells = [flat([0.4, 0.5, 0.6]), flat([0.3, 0.4, 0.5]), flat([0.5, 0.6, 0.7])]
    alone, pooled = plateau(cells[0]), plateau(cells[0], pool=cells[1:])
    assert pooled.high - pooled.low < 0.7 * (alone.high - alone.low)


def test_missing_answers_are_left_out_of_their_checkpoint():
    outcomes = flat([0.5, 0.5, 0.5])
    outcomes[:, :, 90:] = np.nan
    assert plateau(outcomes).estimate == pytest.approx(50 / 90)


def test_a_seed_without_answers_in_the_window_is_left_out_and_named():
    outcomes = flat([0.3, 0.4, 0.5])
    outcomes[2, 4:] = np.nan
    found = plateau(outcomes)
    assert found.seeds == 2
    assert found.estimate == pytest.approx(0.35)
    assert "1 seed(s)" in found.reason


@pytest.mark.parametrize(
    ("changes", "equal"),
    [
        ([0.0, 0.01, -0.01], True),
        ([0.02, 0.02, 0.02], True),
        ([0.06, 0.06, 0.06], False),
        ([0.2, -0.2, 0.0], False),
        ([0.03, -0.02, 0.04], False),
        ([0.02, -0.01, 0.01], True),
        ([-0.07, -0.08, -0.06], False),
    ],
)
def test_equality_of_halves_is_the_tost_of_statsmodels(changes, equal):
    changes = np.array(changes)
    assert halves_equal(changes)[0] is equal
    if changes.std() > 1e-12:
        assert (DescrStatsW(changes).ttost_mean(-0.05, 0.05)[0] < 0.05) == equal


def test_transient_end_is_where_the_marginal_standard_error_is_least():
    rng = np.random.default_rng(7)
    ends = set()
    for _ in range(50):
        series = np.array([1.0, 0.9, 0.5, 0.3, 0.2, *[0.15] * 5]) + 0.1 * rng.random(10)
        scores = [series[d:].var() / (10 - d) for d in range(7)]
        ends.add(transient_end(series, 6))
        assert transient_end(series, 6) == int(np.argmin(scores))
    assert len(ends) > 2


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_rung_that_never_moves_in_its_window_is_converged(rate):
    rates = np.ones((3, 8))
    rates[:, 4:] = rate
    found = plateau(at_rates(rates))
    assert found.converged is True
    assert found.reason == ""


def test_one_flipped_answer_does_not_spoil_convergence():
    rates = np.zeros((3, 8))
    rates[:, 0] = 1.0
    rates[1, 4] = 0.01
    assert plateau(at_rates(rates)).converged is True


def test_a_drifting_window_is_not_converged_and_says_by_how_much():
    rates = np.tile([1.0, 1.0, 1.0, 1.0, 0.9, 0.8, 0.7, 0.6], (3, 1))
    rates[0, 5] = 0.82
    found = plateau(at_rates(rates))
    assert found.converged is False
    assert found.reason


def test_one_seeds_late_transient_spoils_convergence():
    """Two flat seeds cannot hide that the third still falls when the window begins."""
    rates = np.zeros((3, 16))
    rates[:, 0] = 1.0
    rates[2, :9] = 1.0
    found = plateau(at_rates(rates))
    assert found.converged is False
    assert "transient" in found.reason


def test_false_convergence_on_a_drift_of_a_tenth_is_rare():
    rng = np.random.default_rng(5)
    drift = 0.35 - 0.1 * np.arange(8) / 7
    fooled = 0
    for _ in range(400):
        rates = drift + 0.02 * rng.normal(size=(3, 1))
        outcomes = (rng.random((3, 8, 100)) < rates[:, :, None]).astype(float)
        fooled += plateau(outcomes, window=1.0).converged is True
    assert fooled / 400 <= 0.05


def test_a_projection_carries_the_move_between_the_halves_on():
    window = np.array([[0.8, 0.8, 0.7, 0.7], [0.6, 0.6, 0.6, 0.6], [0.7, np.nan, 0.5, 0.5]])
    mean, low, high = projection(window, 0.95)
    ahead = [0.6, 0.6, 0.3]
    assert mean == pytest.approx(np.mean(ahead))
    expected = stats.t.interval(0.95, 2, loc=np.mean(ahead), scale=stats.sem(ahead))
    assert (low, high) == pytest.approx(expected)
    assert projection(window[:1], 0.95) is None
    assert projection(np.array([[0.5, np.nan], [0.5, 0.5]]), 0.95) is None


def test_a_rate_that_falls_and_comes_back_has_returned():
    fallen = [[1, 0.2, 0.8, 0.8], [1, 1, 1, 1]]
    assert plateau(at_rates(fallen)).returned is True
    assert plateau(at_rates([[1, 0.6, 0.8, 0.8], [1, 0.2, 0.2, 0.1]])).returned is False
    assert plateau(at_rates(fallen), gone_below=0.1).returned is False


@pytest.mark.parametrize(
    ("rate", "seed_sd", "prompts", "over"),
    [
        (0.6, 0.08, 100, "suite"),
        (0.02, 0.0, 100, "suite"),
        (0.96, 0.01, 30, "suite"),
        (0.3, 0.05, 60, "prompts"),
    ],
)
def test_three_seeds_cover_the_truth_at_least_as_often_as_they_say(rate, seed_sd, prompts, over):
    """Nominal 95 %; 600 replicates leave a standard error of 0.009."""
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(600):
        difficulty = rng.normal(size=prompts) * (0.1 if over == "prompts" else 0.0)
        shift = rng.normal(size=(3, 1)) * seed_sd
        wobble = rng.normal(size=(3, 8)) * 0.02 if seed_sd else 0.0 * shift
        chance = rate + (shift + wobble)[:, :, None] + difficulty
        outcomes = (rng.random((3, 8, prompts)) < chance).astype(float)
        found = plateau(outcomes, window=1.0, over=over)
        hits += found.low <= rate <= found.high
    assert hits / 600 >= 0.93


@pytest.mark.parametrize(
    ("outcomes", "message"),
    [
        (np.zeros((3, 8)), "axes"),
        (np.zeros((0, 8, 10)), "empty"),
        (np.full((2, 4, 5), np.nan), "no judged"),
        (np.full((2, 4, 5), 1.5), "in .0, 1. or NaN"),
        (np.zeros((2, 1, 5)), "two checkpoints"),
    ],
)
def test_outcomes_that_make_no_sense_are_refused(outcomes, message):
    with pytest.raises(ValueError, match=message):
        plateau(outcomes)


@pytest.mark.parametrize(
    "options",
    [
        {"window": 0.0},
        {"level": 1.0},
        {"over": "seeds"},
        {"steps": [0, 1]},
        {"steps": [0, 2, 1, 3, 4, 5, 6, 7]},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=r"must|steps"):
        plateau(flat([0.1, 0.2]), **options)


def test_json_names_its_schema_and_has_no_nan():
    data = plateau(flat([0.0, 0.0])).to_json()
    assert data["schema"] == "mobench.score/3"
    assert data["low"] == 0.0
    assert data["converged"] is True
