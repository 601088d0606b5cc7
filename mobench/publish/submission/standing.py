"""How far a result can be trusted: what was checked of it, and by whom.

``self-reported`` → ``recomputed`` → ``reproduced``; and beside them ``unverified`` and
``excluded``, which are shown and not ranked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mobench.publish.submission.findings import Findings

Status = Literal["self-reported", "recomputed", "reproduced", "unverified", "excluded"]

MEANING: dict[Status, str] = {
    "self-reported": "what whoever ran it says; the organism or its schedule changed since, so not "
    "all of it can be computed again",
    "recomputed": "identity, plan, every judgment and every number computed again from its answers",
    "reproduced": "somebody else trained some of its cells again, and they fall inside",
    "unverified": "cannot be held against the organisms here; not ranked",
    "excluded": "found wrong later; kept with the reason, not ranked",
}
"""What each status means, as the board says it."""


@dataclass(frozen=True)
class Standing:
    """A result's status.

    Attributes:
        status: The status.
        reason: Why it is no better; empty for one that was recomputed.
    """

    status: Status = "self-reported"
    reason: str = ""

    @property
    def ranked(self) -> bool:
        """Whether it takes part in the order of the board."""
        return self.status not in ("unverified", "excluded")

    def __str__(self) -> str:
        """The status, and the reason behind it."""
        return f"{self.status} ({self.reason})" if self.reason else self.status


def standing_of(
    found: Findings, kept: Standing | None, reproduced: Sequence[str] = ()
) -> Standing | None:
    """Decides a result's status.

    Args:
        found: What checking it found.
        kept: What the record says of it: that it was excluded, or is kept as it was reported.
        reproduced: Who trained some of its cells again and fell inside.

    Returns:
        The status; None where it is refused.
    """
    if kept is not None and kept.status == "excluded":
        return kept
    if found.contradictions or found.unknown:
        if kept is not None:
            return kept
        if found.contradictions:
            return None
        return Standing("unverified", "; ".join(found.unknown))
    if reproduced:
        return Standing("reproduced", "; ".join(reproduced))
    return Standing("recomputed")
