"""The window: the last part of a budget, where a rate's plateau is read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def in_window(step: int, budget: int) -> bool:
    """Whether a checkpoint lies in the last half of a run's budget."""
    return step >= budget / 2


def window_start(checkpoints: int, window: float, steps: Sequence[int] | None) -> int:
    """Index of the first checkpoint in the window.

    Args:
        checkpoints: Number of checkpoints.
        window: Share of the budget, from its end, in (0, 1].
        steps: Step of each checkpoint; None takes the last ``window`` of the checkpoints instead.

    Raises:
        ValueError: ``window`` outside (0, 1], steps that do not fit or do not rise.
    """
    if not 0.0 < window <= 1.0:
        raise ValueError(f"window must be in (0, 1], got {window:g}")
    if steps is None:
        return checkpoints - max(1, round(checkpoints * window))
    order = np.asarray(steps)
    if order.shape != (checkpoints,):
        raise ValueError(f"got {order.size} steps for {checkpoints} checkpoints")
    if (np.diff(order) <= 0).any():
        raise ValueError(f"steps must rise, got {list(steps)}")
    # The dust keeps rounding from dropping the checkpoint that lies exactly on the border.
    return int(np.argmax(order >= (1.0 - window) * order[-1] - 1e-9 * abs(order[-1])))
