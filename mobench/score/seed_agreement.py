"""What the seeds behind a verdict cannot say, in words that stand beside it."""

from __future__ import annotations

from collections.abc import Sequence

from mobench.records.learning_rates import lr_text
from mobench.score.rung_summary import RungSummary
from mobench.score.seed_majority import FIRST_LOOK

SEEDS_WANTED = FIRST_LOOK
"""The fewest agreeing seeds that exclude a majority going the other way at 97.5 %: 1 - 0.5**6."""


def agreement_confidence(seeds: int) -> float:
    """Returns the confidence with which agreeing seeds exclude that most seeds go the other way."""
    return 1.0 - 0.5**seeds


def unanimous(share: float, seeds: int) -> float:
    """Returns how often all seeds agree, if each goes the other way with probability ``share``."""
    return float(share**seeds + (1.0 - share) ** seeds)


def few_seeds_advice(rests_on: Sequence[RungSummary]) -> str:
    """Returns the advice beside a verdict that rests on few agreeing seeds; empty with enough.

    Args:
        rests_on: The rungs that the verdict is about.
    """
    few = [rung for rung in rests_on if rung.seeds < SEEDS_WANTED]
    if not few:
        return ""
    fewest = min(rung.seeds for rung in few)
    sure, surer = (f"{agreement_confidence(seeds):.0%}" for seeds in (fewest, SEEDS_WANTED))
    where = " and ".join(lr_text(rung.lr) for rung in few)
    return (
        f"provisional: {fewest} seeds at {where}. Close to the rate where a behavior gives way "
        f"seeds can split, and {fewest} that agree exclude with only {sure} confidence, at each "
        f"rung, that most go the other way; {SEEDS_WANTED} would with {surer}"
    )


def rare_collapse_advice(rung: RungSummary, epsilon: float) -> str:
    """Returns what an admissible rung's seeds leave open: that a few lose far more.

    A mean over few seeds says little of losses that are rare and large. Of n seeds none of which
    loses more than is tolerated, a share p of all seeds may still do so where
    ``(1 - p)**n >= 0.05``; that needs no assumption on how losses are distributed.

    Args:
        rung: A rung that a verdict calls admissible.
        epsilon: The tolerated loss.
    """
    bad, seeds = rung.wrecked_seeds, rung.seeds
    if bad:
        return (
            f"at {lr_text(rung.lr)} {bad} of {seeds} seeds lose more than {epsilon:g} of "
            "capability, though the mean does not"
        )
    share = 1.0 - 0.05 ** (1.0 / seeds)
    return (
        f"capability at {lr_text(rung.lr)} is a mean over seeds: that up to {share:.0%} of them "
        f"lose more than {epsilon:g} is not excluded by {seeds}"
    )
