"""How the learning rate moves over a run: constant, or warmed up and decayed as is usual.

The curves are those of transformers (``transformers.get_scheduler``), which most training code
takes: this module only reads their factors off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from transformers import get_scheduler

from mobench.records.names import Schedule

_NAMES = {
    "constant": "constant_with_warmup",
    "linear": "linear",
    "cosine": "cosine",
    "wsd": "warmup_stable_decay",
}


def rate_factor(
    schedule: Schedule, *, steps: int, warmup_steps: int = 0, decay_steps: int | None = None
) -> Callable[[int], float]:
    """Returns what a run's learning rate is multiplied by at each of its steps.

    As in transformers, the first of W warm-up steps has the factor 0 and the last (W - 1)/W, and a
    decay to nothing over D steps ends at 1/D: 0 would be the factor of the step after it.

    Args:
        schedule: ``constant``, ``linear`` or ``cosine`` (a decay to nothing from the end of the
            warm-up to the end of the run), or ``wsd``: warm-up, a stable rate, and a linear decay
            to nothing over the last ``decay_steps``.
        steps: The run's steps.
        warmup_steps: Over how many of them the rate rises linearly from 0.
        decay_steps: Of ``wsd``; None for the others.

    Returns:
        A function of the step, counted from 1.
    """
    decay: dict[str, Any] = {}
    if schedule == "wsd":
        decay = {"num_decay_steps": decay_steps, "decay_type": "linear"}
    # Schedulers are made for an optimizer; what is asked for here is the curve alone.
    nobody = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = get_scheduler(
        _NAMES[schedule],
        nobody,
        num_warmup_steps=warmup_steps,
        num_training_steps=steps,
        scheduler_specific_kwargs=decay,
    )
    curve: Callable[[int], float] = scheduler.lr_lambdas[0]
    return lambda step: float(curve(step - 1))


def cooldown_factor(begin: int, steps: int) -> Callable[[int], float]:
    """Returns the factor of a linear decay to nothing that begins after some steps.

    Args:
        begin: Steps done at the full rate.
        steps: Steps of the decay.

    Returns:
        A function of the step, counted from 1 as in the run that is gone on with.
    """
    curve = rate_factor("linear", steps=steps)
    return lambda step: curve(step - begin)
