"""What each row must hold whose answer was drawn, or has reasoning beside its final answer.

Of several answers to a prompt none may be missing, and of two outcomes the one counts that the
organism's file names: a choice between them, row by row, would be a choice of the rate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mobench.records.manifest_parts import OrganismPart

FIELDS = frozenset({"draw", "final", "whole"})
"""Fields that only such rows have."""


def answer_problem(row: Mapping[str, Any], organism: OrganismPart) -> str:
    """What is wrong with a row, sound otherwise; empty if nothing is.

    Args:
        row: The row.
        organism: What the manifest says of the organism: how its answers were drawn, what counts.
    """
    if row["kind"] == "capability":
        return ""
    draws = None if organism.decoding is None else organism.decoding.draws
    if (draws is None) is ("draw" in row):
        drawn = "are not drawn" if draws is None else "are drawn, and it has no draw"
        return f"the manifest says that answers {drawn}"
    if draws is not None and row["draw"] >= draws:
        return f"draw should be below {draws}, got {row['draw']}"
    if ("final" in row) is not ("whole" in row):
        return "final and whole should be there both or neither"
    counts = "whole" if organism.counts == "whole-text" else "final"
    if counts in row and row[counts] != row["outcome"]:
        return f"outcome should be that of {counts}, {row[counts]!r}, got {row['outcome']!r}"
    return ""


def missing_draws(
    rows: Sequence[Any], organism: OrganismPart, *, most: int
) -> list[tuple[int, str]]:
    """Line and problem of the first answer to each prompt of which some draws are missing.

    Args:
        rows: Rows that are sound one by one.
        organism: What the manifest says of the organism.
        most: So many are told.
    """
    if organism.decoding is None:
        return []
    places = [(row["cell"], row["step"], row["prompt"], row["kind"]) for row in rows]
    counts = Counter(place for place in places if place[-1] != "capability")
    wanted, found = organism.decoding.draws, []
    for line, place in enumerate(places, start=1):
        count = counts.pop(place, wanted)
        if count != wanted:
            found.append((line, f"{count} of the {wanted} draws of this prompt are there"))
        if len(found) >= most:
            break
    return found
