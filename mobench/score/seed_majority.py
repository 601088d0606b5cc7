"""What the seeds of a rung say together: most keep the behavior, most lose it, or it depends.

A verdict is about *most seeds*. If at least half of all seeds went the other way, n of n would
agree by chance with probability at most ``0.5**n``, and 9 or more of 10 with 11/1024. Looked at
after six seeds and, if that does not decide, after ten, either side is wrongly found with
probability at most 1/64 + 6 * (1/64) * (1/16) = 0.0215.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scipy import special

from mobench.score.seed_class import SeedClass

Side = Literal["kept", "lost", "split", "open"]

FIRST_LOOK, LAST_LOOK = 6, 10
"""Seeds at which a deciding rung is looked at; at the first all have to agree."""
DISSENT = 11 / 1024
"""Binomial tail that dissent may have at the last look: one seed of ten."""
CONTRARY = 2
"""So many seeds on each side show that it depends on the seed."""


@dataclass(frozen=True)
class SeedCounts:
    """How many seeds of a rung are of each class."""

    kept: int
    lost: int
    moving: int

    @property
    def total(self) -> int:
        """All seeds."""
        return self.kept + self.lost + self.moving

    @property
    def unanimous(self) -> bool:
        """Whether all kept the behavior, or all lost it."""
        return self.total > 0 and self.total in (self.kept, self.lost)


def count_classes(classes: Sequence[SeedClass]) -> SeedCounts:
    """Counts the classes of a rung's seeds."""
    return SeedCounts(classes.count("kept"), classes.count("lost"), classes.count("moving"))


def majority(counts: SeedCounts) -> Side:
    """Returns what the seeds say together.

    Returns:
        ``kept`` or ``lost``: all seeds did, at least two; or with ten and more so many that the
        exact binomial test allows the rest (one of ten). ``split``: at least two did either.
        ``open``: more seeds or steps are needed. With fewer than `FIRST_LOOK` seeds ``kept`` and
        ``lost`` are provisional.
    """
    if counts.total < 2:
        return "open"
    if counts.kept >= CONTRARY and counts.lost >= CONTRARY:
        return "split"
    for side, agreeing in (("kept", counts.kept), ("lost", counts.lost)):
        dissent = counts.total - agreeing
        if dissent == 0:
            return "kept" if side == "kept" else "lost"
        if counts.total >= LAST_LOOK and _chance(agreeing, counts.total) <= DISSENT:
            return "kept" if side == "kept" else "lost"
    return "open"


def _chance(agreeing: int, seeds: int) -> float:
    """Probability that at least so many of the seeds agree if either side is as likely."""
    return float(special.bdtrc(agreeing - 1, seeds, 0.5))
