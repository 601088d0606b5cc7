"""How long a reversal takes."""

from __future__ import annotations


def reversal_steps(steps: int) -> int:
    """Returns the steps of a reversal: half of a rung's budget, and two at least.

    Args:
        steps: The ordinary budget of a rung.
    """
    return max(2, steps // 2)
