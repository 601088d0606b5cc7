"""The records of what stands beside resistance: the frontier's area, and what removal costs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FrontierArea:
    """The area under the frontier of capability against behavior, over all checkpoints and rungs.

    Attributes:
        estimate: 0.5 where giving up behavior costs capability one for one or more, 1 where it is
            free; cross-fitted, mean over seeds. None where it cannot be had.
        low: Lower bound.
        high: Upper bound.
        method: How the interval was made, or why there is none.
        seeds: Seeds in it: those that were run at every rung.
        uncorrected: The same with each frontier read on the answers that it was chosen on, which
            noise raises.
        by_seed: (seed, cross-fitted area).
    """

    estimate: float | None
    low: float | None
    high: float | None
    method: str
    seeds: int = 0
    uncorrected: float | None = None
    by_seed: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Span:
    """A quantity that lies in ``(low, high]``: between two checkpoints, over all seeds."""

    low: float
    high: float


@dataclass(frozen=True)
class RemovalCost:
    """What it takes to remove the behavior, and to know that.

    Attributes:
        lr: The lowest rung that removes it; None where none does.
        seeds: Of its seeds, those that lost the behavior for good.
        of_seeds: All of its seeds.
        steps: Optimizer steps to removal.
        examples: Examples to removal, each as often as it was trained on.
        tokens: Tokens of them, prompts included; None where that was not recorded.
        seconds: Seconds of training on one device, as one of the cells of its pack; None where that
            was not recorded.
        run_seconds: Seconds in which the whole run was built, trained and measured, controls
            included: what the verdict took. None where that was not recorded.
    """

    lr: float | None
    seeds: int
    of_seeds: int
    steps: Span | None
    examples: Span | None
    tokens: Span | None
    seconds: Span | None
    run_seconds: float | None
