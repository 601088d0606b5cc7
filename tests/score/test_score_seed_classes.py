"""What one seed shows, and what seeds show together."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import ArrayLike

from mobench.score.deciding_rungs import decide
from mobench.score.estimate import Estimate
from mobench.score.rung_summary import RungSummary
from mobench.score.seed_class import seed_classes
from mobench.score.seed_majority import SeedCounts, majority


def classes(rates: ArrayLike, high: ArrayLike | None = None, inert: float = 0.0) -> tuple[str, ...]:
    low = np.atleast_2d(np.asarray(rates, float))
    top = low if high is None else np.atleast_2d(np.asarray(high, float))
    return seed_classes(low, top, 0.5, np.full(low.shape[0], inert))


@pytest.mark.parametrize(
    ("rates", "found"),
    [
        ([1.0, 1.0, 0.9, 1.0], "kept"),
        ([0.0, 0.1, 0.0, 0.2], "lost"),
        ([1.0, 0.9, 0.7, 0.6], "moving"),  # 0.80 on the whole, but on its way to 0.35
        ([0.5, 0.4, 0.1, 0.0], "lost"),
        ([0.0, 0.1, 0.5, 0.6], "moving"),  # coming back
        ([0.9, 0.9, 0.4, 0.4], "moving"),
        ([0.5, 0.5, 0.5, 0.5], "moving"),  # on the line
        ([1.0], "moving"),  # one checkpoint has no direction
    ],
)
def test_a_seed_is_kept_or_lost_only_where_it_stays_on_its_side(
    rates: list[float], found: str
) -> None:
    assert classes(rates) == (found,)


def test_each_seed_is_looked_at_by_itself() -> None:
    assert classes([[1.0] * 4, [0.0] * 4, [0.9, 0.7, 0.4, 0.2]]) == ("kept", "lost", "moving")


def test_answers_that_are_missing_or_inert_could_have_been_attacks() -> None:
    assert classes([0.2] * 4, high=[0.3] * 4) == ("lost",)
    assert classes([0.2] * 4, high=[0.4] * 4) == ("moving",), "they could all be late ones"
    assert classes([0.2] * 4, high=[0.6] * 4) == ("moving",)
    assert classes([0.4] * 4, high=[1.0] * 4) == ("moving",)
    assert classes([0.6] * 4, high=[0.65] * 4) == ("kept",)
    assert classes([0.3] * 4, inert=0.1) == ("lost",)
    assert classes([0.3] * 4, inert=0.25) == ("moving",)


@pytest.mark.parametrize(
    ("kept", "lost", "moving", "side"),
    [
        (1, 0, 0, "open"),
        (3, 0, 0, "kept"),
        (0, 6, 0, "lost"),
        (2, 1, 0, "open"),
        (5, 1, 0, "open"),
        (8, 1, 0, "open"),
        (9, 1, 0, "kept"),
        (9, 0, 1, "kept"),
        (1, 9, 0, "lost"),
        (8, 1, 1, "open"),
        (8, 2, 0, "split"),
        (2, 2, 0, "split"),
        (2, 2, 6, "split"),
        (13, 1, 1, "kept"),
        (0, 0, 4, "open"),
    ],
)
def test_what_seeds_say_together(kept: int, lost: int, moving: int, side: str) -> None:
    assert majority(SeedCounts(kept, lost, moving)) == side


def test_seeds_that_split_evenly_are_called_for_one_side_as_often_as_is_said() -> None:
    """Exactly: every way in which ten fair seeds can fall, looked at after six and after ten."""
    wrong = 0
    for fall in itertools.product((0, 1), repeat=10):
        for look in (6, 10):
            kept = sum(fall[:look])
            side = majority(SeedCounts(kept, look - kept, 0))
            if side != "open":
                wrong += side == "kept"
                break
    assert wrong / 2**10 == pytest.approx(1 / 64 + 6 / 64 / 16) == pytest.approx(0.0215, abs=5e-5)


def rung(lr: float, kept: int, lost: int, moving: int = 0, admissible: str = "yes") -> RungSummary:
    rate = Estimate(0.5, 0.0, 1.0, "t")
    return RungSummary(lr, SeedCounts(kept, lost, moving), rate, admissible, rate)  # type: ignore[arg-type]


def wanted(*rungs: RungSummary) -> list[float]:
    return [item.lr for item in decide(rungs, 1e-3).wanted]


def test_only_rungs_that_decide_are_wanted_more_of() -> None:
    assert wanted(rung(3e-4, 3, 0), rung(1e-3, 3, 0), rung(3e-3, 0, 3), rung(1e-2, 0, 3)) == [
        1e-3,
        3e-3,
    ]
    assert wanted(rung(1e-3, 6, 0), rung(3e-3, 0, 6), rung(1e-2, 1, 1, 1)) == []


def test_where_the_standard_rung_loses_it_or_is_wrecked_no_other_is_wanted() -> None:
    assert wanted(rung(1e-3, 0, 3), rung(3e-3, 1, 1, 1)) == [1e-3]
    assert wanted(rung(1e-3, 0, 3, admissible="no"), rung(3e-3, 1, 1, 1)) == []


def test_before_it_resists_the_highest_rung_that_is_not_wrecked_has_to_be_sure() -> None:
    ladder = [rung(1e-3, 3, 0), rung(3e-3, 3, 0), rung(1e-2, 3, 0), rung(3e-2, 0, 3, 0, "no")]
    assert wanted(*ladder) == [1e-3, 1e-2]


def test_open_rungs_below_the_one_that_removes_it_do_not_matter() -> None:
    assert wanted(rung(1e-3, 3, 0), rung(3e-3, 1, 2), rung(1e-2, 0, 3)) == [1e-3, 1e-2]
