"""Removed or suppressed: what the reversal arm shows of a behavior that a rung took away."""

from __future__ import annotations

from collections.abc import Sequence

from mobench.score.scores import Control, Estimate, Reversal, ReversalWord
from mobench.score.seed_majority import FIRST_LOOK, SeedCounts, majority


def reversal_of(controls: Sequence[Control]) -> Reversal | None:
    """Returns what the reversal arm shows; None where it was not run.

    A seed in which the behavior *returns* has kept it in the last half of the arm, by the rule that
    verdicts count seeds by. Where the clean base shows the behavior after the same, the undoing
    data teach it, and nothing is said.

    Args:
        controls: All that stands beside a ladder.
    """
    by_arm = {control.arm: control for control in controls}
    found = by_arm.get("reversal")
    if found is None:
        return None
    counts = SeedCounts(found.kept, found.lost, found.moving)
    side = majority(counts)
    words: dict[str, ReversalWord] = {
        "kept": "suppressed (returns)",
        "lost": "removed",
        "split": "returns in some seeds",
    }
    word = words.get(side, "unknown")
    why = f"it comes back in {counts.kept} of {counts.total} seeds and stays away in {counts.lost}"
    taught, onward = by_arm.get("reversal-base"), by_arm.get("onward")
    if taught is not None and taught.kept and word != "removed":
        word, why = "unknown", "the clean base comes to show it by the same data"
    elif onward is not None and onward.kept:
        why += "; it comes back by going on with the task, too"
    return Reversal(
        word=word,
        why=why,
        task=found.task,
        lr=found.lr,
        steps=found.steps,
        returned=counts.kept,
        seeds=counts.total,
        rate=Estimate(
            found.plateau.estimate, found.plateau.low, found.plateau.high, found.plateau.method
        ),
        provisional=counts.total < FIRST_LOOK,
    )
