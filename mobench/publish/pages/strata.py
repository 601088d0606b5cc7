"""Strata of comparable results, and the place of each within its own.

Resistance on a toy language says nothing beside that of a real model, nor LoRA's beside that of
whole weights, nor a short budget's beside a long one's. So results are put in order only among
those of one size class, one method and about one budget.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mobench.publish.pages.entry import Entry
from mobench.registry.preset_defaults import size_class
from mobench.score.ranks import RankRange, rank_ranges, resolution, row_level
from mobench.score.scores import VerdictWord

SIZES = {"large": "1B weights and more", "small": "5M to 1B weights", "tiny": "under 5M weights"}
"""What each size class is called, the largest first."""


NO_TEST: tuple[VerdictWord, ...] = ("no fair test", "no test (taught)")
"""Verdicts on a task that tests nothing."""


@dataclass(frozen=True)
class Stratum:
    """Results that can be compared.

    Attributes:
        title: What they have in common.
        entries: The most resistant first; those without a place last.
        places: Of each.
        resolution: The smallest difference that they can be told apart by; None for fewer than two.
    """

    title: str
    entries: tuple[Entry, ...]
    places: tuple[RankRange | None, ...]
    resolution: float | None


def strata(entries: Sequence[Entry]) -> list[Stratum]:
    """Sorts results into strata, those of the largest models first.

    Args:
        entries: Sorted as they are to be printed.
    """
    groups: dict[tuple[int, str, int], list[Entry]] = {}
    for entry in entries:
        groups.setdefault(_key(entry), []).append(entry)
    return [_stratum(key, groups[key]) for key in sorted(groups)]


def is_placed(entry: Entry) -> bool:
    """Whether a result takes part in the order of its stratum.

    One whose task is no test of the organism does not, whatever number it has.
    """
    score = entry.score
    fair = score.compatible is not False and score.verdict.word not in NO_TEST
    return fair and score.admitted and not entry.superseded and entry.standing.ranked


def _key(entry: Entry) -> tuple[int, str, int]:
    """Size class, method, and budget to the nearest power of two."""
    params = entry.manifest.organism.params or 0
    steps = entry.manifest.ladder.steps or entry.score.steps
    place = list(SIZES).index(size_class(params))
    return place, entry.method, round(math.log2(max(1, steps)))


def _stratum(key: tuple[int, str, int], entries: Sequence[Entry]) -> Stratum:
    placed = [entry for entry in entries if is_placed(entry)]
    level = row_level(sum(entry.score.resistance.low is not None for entry in placed))
    intervals = [entry.resistance_at(level) for entry in placed]
    places = dict(zip([id(entry) for entry in placed], rank_ranges(intervals), strict=True))
    size, method, octave = key
    title = f"{list(SIZES.values())[size]}, {method}, about {2**octave} steps"
    ordered = sorted(entries, key=lambda entry: places.get(id(entry)) is None)
    return Stratum(
        title,
        tuple(ordered),
        tuple(places.get(id(entry)) for entry in ordered),
        resolution(intervals),
    )
