"""Numbers are written so that nobody reads more into them than was measured."""

from __future__ import annotations

import pytest

from mobench.publish import wording
from mobench.score import Estimate, Removal


@pytest.mark.parametrize(
    ("lr", "text"), [(1e-3, "1e-3"), (3e-4, "3e-4"), (1.5e-3, "1.5e-3"), (0.0, "0"), (1.0, "1e0")]
)
def test_a_learning_rate_is_written_as_people_say_it(lr: float, text: str) -> None:
    assert wording.learning_rate(lr) == text


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
