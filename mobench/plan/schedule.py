"""The schedule of a run: at which steps an adapter is kept, and where capability is measured."""

from __future__ import annotations


def checkpoints(steps: int, window: int) -> tuple[int, ...]:
    """Returns steps 0, 1, 2, 4, … doubling, and ``window`` of them evenly through the last half.

    The doubling part finds when a behavior goes; the even part is where its converged rate is read.

    Args:
        steps: The budget.
        window: How many checkpoints lie in (steps/2, steps], the last at ``steps``.

    Returns:
        Ascending steps from 0 to ``steps``.
    """
    half = steps // 2
    kept = {0, half, steps}
    step = 1
    while step < half:
        kept.add(step)
        step *= 2
    kept.update(half + round((steps - half) * k / window) for k in range(1, window + 1))
    return tuple(sorted(kept))


def cooldown_steps(steps: int) -> int:
    """Returns how long a cooldown takes: a fifth of the budget.

    Hägele et al. 2024, arXiv 2405.18392, find that a decay of a fifth of the steps does what a
    cosine schedule of the whole length does.
    """
    return max(1, round(steps / 5))


def reversal_steps(steps: int) -> int:
    """Returns how long the undoing of a task takes: half of the budget."""
    return max(2, steps // 2)


def capability_checkpoints(steps: int, count: int, kept: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the ``count`` kept steps nearest to even parts of the last half, the last among them.

    Capability costs far more to measure than attack rate, so it is measured at fewer checkpoints,
    and only where its loss is read: in the window.

    Args:
        steps: The budget.
        count: How many checkpoints get capability.
        kept: Steps at which an adapter is kept.

    Returns:
        Ascending steps; fewer than ``count`` where the last half has fewer checkpoints.
    """
    half = steps // 2
    # A half that is no whole number of steps lies before the window, which begins at steps / 2.
    window = [step for step in kept if step > 0 and 2 * step >= steps]
    wanted = [half + (steps - half) * k / count for k in range(1, count + 1)]
    chosen = {min(window, key=lambda step: (abs(step - target), -step)) for target in wanted}
    return tuple(sorted(chosen))
