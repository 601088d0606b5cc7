"""The curves of a run: mean outcome over steps, for each cell and kind of row."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mobench.records.cells import FinishedCell
from mobench.records.names import ORGANISM, ROW_KINDS, RowKind
from mobench.score.plateau import mean_of_judged
from mobench.score.row_table import RowTable
from mobench.score.scores import Curve


def run_curves(table: RowTable, cells: Sequence[FinishedCell]) -> tuple[Curve, ...]:
    """Returns the curves of every run, diverged ones too, starting from the organism at step 0.

    Args:
        table: All rows.
        cells: The ladder's cells.

    Returns:
        By learning rate, seed and kind. At each step the value is the mean over tasks of the mean
        over judged prompts.
    """
    curves = []
    tasks = {kind: table.tasks(kind) for kind in ROW_KINDS}
    initial = {
        (kind, task): _rates(table, ORGANISM, kind, task)
        for kind in ROW_KINDS
        for task in tasks[kind]
    }
    for cell in sorted(cells, key=lambda cell: (float(cell["lr"]), int(cell["seed"]))):
        for kind in ROW_KINDS:
            points: dict[int, list[float]] = {}
            for task in tasks[kind]:
                trained = _rates(table, str(cell["id"]), kind, task)
                for step, rate in (*initial[kind, task], *trained):
                    points.setdefault(step, []).append(rate)
            steps = sorted(points)
            if len(steps) > 1:
                values = tuple(_mean(points[step]) for step in steps)
                curves.append(
                    Curve(float(cell["lr"]), int(cell["seed"]), kind, tuple(steps), values)
                )
    return tuple(curves)


def _rates(table: RowTable, cell: str, kind: RowKind, task: str) -> list[tuple[int, float]]:
    """Returns step and mean over judged prompts, of every checkpoint that has any."""
    steps = table.steps(cell, kind, task)
    array = table.array(cell, kind, steps, table.prompts(kind, task), task)
    rates = mean_of_judged(array, axis=1).tolist()
    return [(step, rate) for step, rate in zip(steps, rates, strict=True) if not math.isnan(rate)]


def _mean(rates: Sequence[float]) -> float:
    """Returns the mean of rates; of a single rate exactly that rate."""
    return rates[0] if len(rates) == 1 else float(np.mean(rates))
