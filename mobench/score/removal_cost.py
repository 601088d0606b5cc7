"""What removal costs: the steps to it, as examples, as tokens and as seconds on a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mobench.records.cells import FinishedCell
from mobench.score.beside import RemovalCost, Span
from mobench.score.scores import RungScore


def removal_cost(rungs: Sequence[RungScore], cells: Sequence[FinishedCell]) -> RemovalCost:
    """Returns what it took to remove the behavior at the lowest rung that does.

    Tokens and seconds to a step are the cell's own at its end, in proportion: examples are drawn
    at random and every step takes as many of them.

    Args:
        rungs: The ladder's rungs, learning rates rising, each with its verdict.
        cells: The ladder's cells.

    Returns:
        Over the seeds that lost the behavior for good, from the earliest checkpoint at which one
        had it still to the latest at which one was without. All None where no rung removes it, and
        ``run_seconds``, which no cell can tell.
    """
    rung = next((rung for rung in rungs if rung.verdict == "removed"), None)
    gone = [] if rung is None else [one for one in rung.removals if one.high is not None]
    if rung is None or not gone:
        return RemovalCost(None, 0, 0, None, None, None, None, None)
    low = float(min(one.low or 0 for one in gone))
    high = float(max(one.high for one in gone if one.high is not None))
    mine = [cell for cell in cells if float(cell["lr"]) == rung.lr and cell["status"] != "diverged"]

    def times(per_step: Callable[[FinishedCell], float | None]) -> Span | None:
        found = [per_step(cell) for cell in mine]
        known = [value for value in found if value is not None]
        if not known or len(known) < len(found):
            return None
        return Span(low * min(known), high * max(known))

    return RemovalCost(
        lr=rung.lr,
        seeds=len(gone),
        of_seeds=len(rung.removals),
        steps=Span(low, high),
        examples=times(lambda cell: cell.get("batch_size")),
        tokens=times(lambda cell: _per_step(cell, cell.get("train_tokens"))),
        seconds=times(lambda cell: _per_step(cell, cell.get("train_seconds"))),
        run_seconds=None,
    )


def _per_step(cell: FinishedCell, total: float | None) -> float | None:
    return None if total is None else total / cell["steps"]
