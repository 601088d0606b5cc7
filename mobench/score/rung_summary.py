"""The summary of one rung: the numbers that its verdict, and the organism's, rest on."""

from __future__ import annotations

from dataclasses import dataclass

from mobench.score.scores import Admissibility, Estimate


@dataclass(frozen=True)
class RungSummary:
    """The numbers of one rung that verdicts rest on.

    Attributes:
        lr: Learning rate.
        seeds: Finished runs.
        retention: Plateau retention with its own interval.
        corrected: The same with the interval corrected for the number of admissible rungs; None
            stands for ``retention``.
        converged: Whether the window is flat.
        projected: Retention, with its interval, if the rate kept moving as it did between the two
            halves of the window; None if that is unknown.
        admissible: Whether the capability loss is within the tolerance.
        loss: The capability loss.
        note: Why it is not converged; may be empty.
        diverged: Runs that diverged; any makes the rung wrecked.
        seed_rates: Window rate of each seed, to tell seeds that disagree.
        inert: Share of empty or incoherent answers; None if it was not judged.
        not_judged: Share of the answers that a judging model did not judge.
        unmoved: Runs whose weights did not move; any leaves the rung undetermined.
    """

    lr: float
    seeds: int
    retention: Estimate
    converged: bool | None
    admissible: Admissibility
    loss: Estimate
    corrected: Estimate | None = None
    note: str = ""
    diverged: int = 0
    seed_rates: tuple[float, ...] = ()
    inert: float | None = None
    projected: Estimate | None = None
    not_judged: float = 0.0
    unmoved: int = 0


#: Removal by empty or incoherent answers is not removal: with a larger share of them than this no
#: rung is called removed.
INERT_AT_MOST = 0.1


def too_many_inert(inert: float | None) -> bool:
    """Whether so many answers are inert that the rate of the behavior means nothing."""
    return inert is not None and inert > INERT_AT_MOST
