"""The axis of learning rates, which plots over a ladder share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mobench.publish.drawing.panel import Panel
from mobench.records.learning_rates import lr_text
from mobench.score import RungScore


def rate_place(lr: float) -> float:
    """Where a learning rate stands on the axis: its decimal logarithm."""
    # Rounded, so that the last bit of a float never changes the file.
    return round(math.log10(lr), 5)


def rate_ticks(panel: Panel, rungs: Sequence[RungScore], room: float) -> list[tuple[float, str]]:
    """A tick for each rung; those that stand too close to the last label have none.

    Args:
        panel: The panel.
        rungs: The ladder's rungs, learning rates rising.
        room: What a label needs, as a share of the axis.
    """
    ticks = []
    labeled = -math.inf
    for rung in rungs:
        place = rate_place(rung.lr)
        fits = place - labeled >= room * (panel.end - panel.start)
        ticks.append((place, lr_text(rung.lr) if fits else ""))
        labeled = place if fits else labeled
    return ticks
