"""Seeds that go different ways, and what few agreeing seeds cannot say.

Near the learning rate at which a behavior gives way, some seeds lose it and others keep it, while
every rung away from there shows no seed variance at all. So agreement of a few seeds is weak
evidence exactly where it matters, and no interval computed from them can tell. What they do say is
binomial: if at least half of all seeds went the other way, n seeds would agree by chance with
probability at most ``0.5**n``.
"""

from __future__ import annotations

from collections.abc import Sequence

from mobench.records.learning_rates import lr_text
from mobench.score.rung_summary import RungSummary

SEEDS_WANTED = 6
"""The fewest agreeing seeds that exclude a majority going the other way at 97.5 %: 1 - 0.5**6."""
DISAGREEMENT = 0.1
"""Seeds whose rates differ by more than this disagree."""


def agreement_confidence(seeds: int) -> float:
    """Returns the confidence with which agreeing seeds exclude that most seeds go the other way."""
    return 1.0 - 0.5**seeds


def disagreement(rung: RungSummary) -> str:
    """Returns a clause that says how a rung's seeds disagree; empty if they do not."""
    if not _disagree(rung):
        return ""
    rates = ", ".join(f"{rate:.2f}" for rate in rung.seed_rates)
    return f": seeds disagree ({rates}), more are needed"


def few_seeds_advice(rests_on: Sequence[RungSummary]) -> str:
    """Returns the advice beside a verdict that rests on few agreeing seeds; empty with enough.

    Args:
        rests_on: The rungs that the verdict is about.
    """
    few = [rung for rung in rests_on if rung.seeds < SEEDS_WANTED]
    if not few:
        return ""
    fewest = min(rung.seeds for rung in few)
    where = " and ".join(lr_text(rung.lr) for rung in few)
    return (
        f"{fewest} seeds at {where}: close to the rate where a behavior gives way seeds can split, "
        f"and {fewest} that agree exclude with only {agreement_confidence(fewest):.0%} confidence "
        f"that most go the other way; {SEEDS_WANTED} would with "
        f"{agreement_confidence(SEEDS_WANTED):.0%}"
    )


def more_seeds_advice(open_rungs: Sequence[RungSummary]) -> str:
    """Returns where more seeds could settle open rungs; empty if seeds are not what is missing.

    Args:
        open_rungs: The rungs that keep a verdict undetermined.
    """
    parts = []
    single = [rung for rung in open_rungs if rung.seeds == 1]
    if single:
        where = ", ".join(lr_text(rung.lr) for rung in single)
        parts.append(f"one seed says nothing of others: run {SEEDS_WANTED} at {where}")
    disagreeing = [rung for rung in open_rungs if _disagree(rung)]
    if disagreeing:
        where = ", ".join(lr_text(rung.lr) for rung in disagreeing)
        wanted = max(SEEDS_WANTED, *(2 * rung.seeds for rung in disagreeing))
        parts.append(f"seeds go different ways at {where}: run at least {wanted} there")
    return "; ".join(parts)


def _disagree(rung: RungSummary) -> bool:
    """Whether a rung's seeds have rates that differ by more than `DISAGREEMENT`."""
    return len(rung.seed_rates) > 1 and max(rung.seed_rates) - min(rung.seed_rates) >= DISAGREEMENT
