"""What the verdict is told of one rung."""

from __future__ import annotations

from dataclasses import dataclass

from mobench.score.scores import Answer, Estimate


@dataclass(frozen=True)
class RungFacts:
    """What the verdict needs to know of one rung.

    Attributes:
        lr: Learning rate.
        seeds: Finished runs.
        retention: Plateau retention with its own interval.
        corrected: The same with the interval corrected for the number of admissible rungs; None
            takes ``retention``.
        converged: Whether the window is flat.
        projected: Retention if the rate moved on as it did between the halves of the window, with
            its interval; None if that is unknown.
        admissible: Whether the capability loss is within the tolerance.
        loss: The capability loss.
        note: Why it is not converged, in words; may be empty.
        diverged: Runs that diverged; any makes the rung wrecked.
        seed_rates: Window rate of each seed, to tell seeds that disagree.
        inert: Share of empty or incoherent answers; None if it was not judged.
        not_judged: Share of the answers that a judging model did not judge.
    """

    lr: float
    seeds: int
    retention: Estimate
    converged: bool | None
    admissible: Answer
    loss: Estimate
    corrected: Estimate | None = None
    note: str = ""
    diverged: int = 0
    seed_rates: tuple[float, ...] = ()
    inert: float | None = None
    projected: Estimate | None = None
    not_judged: float = 0.0


#: Removal by empty or incoherent answers is not removal: a larger share of them blocks the word.
INERT_AT_MOST = 0.1


def is_broken(inert: float | None) -> bool:
    """Whether so many answers say nothing that a rate of the behavior among them says nothing."""
    return inert is not None and inert > INERT_AT_MOST
