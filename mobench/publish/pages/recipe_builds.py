"""Results of one organism on one task whose recipe was built more than once.

A recipe fixes data, seeds and steps, not how a processor rounds: on another one it gives other
weights. Two such results are of two organisms made alike, so a page says which is which.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from mobench.publish.pages.entry import Entry

_DIGITS = 8


def built_apart(entries: Sequence[Entry]) -> dict[str, str]:
    """What tells results apart that differ in their organism's weights alone.

    Args:
        entries: All results of the organisms that they are of.

    Returns:
        ``build 1a2b3c4d``, by the submission's place: how the weights' hash begins. Empty for
        results whose organism and task have one build only, or whose manifest names no weights.
    """
    alike: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        alike[entry.submission.organism, entry.submission.task].append(entry)
    found = {}
    for group in alike.values():
        weights = {entry.submission.place: _weights(entry) for entry in group}
        if len(set(weights.values()) - {None}) > 1:
            found.update({place: f"build {digits}" for place, digits in weights.items() if digits})
    return found


def _weights(entry: Entry) -> str | None:
    weights_hash = entry.manifest.organism.weights_hash
    return weights_hash[:_DIGITS] if weights_hash else None
