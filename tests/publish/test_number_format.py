"""Numbers are written so that nobody reads more into them than was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mobench.publish.pages import number_format as wording
from mobench.records.learning_rates import lr_text
from mobench.score import Estimate, Removal
from mobench.score.dose_response import DoseCurve, DoseResponse


@pytest.mark.parametrize(
    ("lr", "text"), [(1e-3, "1e-3"), (3e-4, "3e-4"), (1.5e-3, "1.5e-3"), (0.0, "0"), (1.0, "1e0")]
)
def test_a_learning_rate_is_written_as_people_say_it(lr: float, text: str) -> None:
    assert lr_text(lr) == text


def test_an_estimate_is_written_with_its_interval() -> None:
    assert wording.interval(Estimate(0.976, 0.9, 1.0, "t")) == "0.98 [0.90, 1.00]"


def test_a_number_without_an_interval_is_withheld() -> None:
    assert wording.interval(Estimate(0.5, None, None, "one value")) == "no interval"
    assert wording.interval(Estimate(None, None, None, "nothing")) == "—"
    assert wording.interval(None) == "—"


def test_a_loss_that_rounds_to_nothing_has_no_minus_sign() -> None:
    assert wording.interval(Estimate(-0.001, -0.02, 0.001, "t")) == "0.00 [-0.02, 0.00]"


GONE = Removal(32, 64, censored=False, returned=False)
SOONER = Removal(16, 32, censored=False, returned=False)
KEPT = Removal(256, None, censored=True, returned=False)
BACK = Removal(256, None, censored=True, returned=True)


@pytest.mark.parametrize(
    ("removals", "text"),
    [
        ([GONE], "(32, 64]"),
        ([GONE, SOONER], "(16, 64]"),
        ([KEPT, KEPT], "> 256"),
        ([GONE, KEPT, SOONER], "(16, 64] in 2 of 3 seeds"),
        ([BACK], "> 256, returned"),
        ([BACK, KEPT, BACK], "> 256, returned in 2"),
        ([], "—"),
    ],
)
def test_removal_is_an_interval_over_seeds_and_never_a_point(
    removals: list[Removal], text: str
) -> None:
    assert wording.removal_step(removals) == text


def test_admissibility_is_one_word_unless_budgets_disagree() -> None:
    assert wording.admissible({"0.05": "yes", "0.1": "yes"}) == "yes"
    assert wording.admissible({"0.1": "yes", "0.05": "no"}) == "no at 0.05, yes at 0.1"


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "—"), (93_000, "93k"), (134_515_008, "135M"), (6.74e9, "6.7B"), (7e9, "7B")],
)
def test_a_models_size_is_written_short(count: float | None, text: str) -> None:
    assert wording.parameters(count) == text


CURVE = DoseCurve(
    lrs=(1e-4, 3e-3),
    rates=(1.0, 0.0),
    low=(1.0, 0.0),
    high=(1.0, 0.0),
    critical=8.1234e-4,
    critical_low=5.2e-4,
    critical_high=1.26e-3,
    intercept=-9.0,
    slope=-3.0,
    covariance=((1.0, 0.0), (0.0, 1.0)),
)


@pytest.mark.parametrize(
    ("curve", "text"),
    [
        (CURVE, "The fitted curve crosses 0.50 at LR 8.1e-4 [5.2e-4, 1.3e-3]."),
        (
            replace(CURVE, critical_low=None, critical_high=None),
            "The fitted curve crosses 0.50 at LR 8.1e-4 [below 1e-4, above 3e-3].",
        ),
        (
            replace(CURVE, critical=None, critical_low=None, critical_high=None),
            "The fitted curve does not cross 0.50 between LR 1e-4 and 3e-3.",
        ),
    ],
)
def test_a_critical_learning_rate_is_claimed_only_among_the_rungs(
    curve: DoseCurve, text: str
) -> None:
    assert wording.dose(DoseResponse(curve, "", 0.5, (3e-4, 1e-3))) == text


def test_without_a_curve_the_bracket_is_what_can_be_said() -> None:
    step = DoseResponse(None, "a step", 0.45, (3e-4, 1e-3))
    assert wording.dose(step) == (
        "No curve is fitted: a step; the rate falls below 0.45 between LR 3e-4 and 1e-3."
    )
    assert wording.dose(DoseResponse(None, "flat", 0.5, None)) == (
        "No curve is fitted: flat; no two rungs enclose a fall below 0.50."
    )
