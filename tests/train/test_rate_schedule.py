"""Rates that warm up and decay do in a pack what torch's and transformers' schedulers do alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler
from transformers import get_scheduler

from mobench.train.schedule import cooldown_factor, rate_factor

STEPS = 12


def rates(scheduler: Any) -> list[float]:
    """The rate of each step, for a peak of 1."""
    found = []
    for _ in range(STEPS):
        found.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.optimizer.step()
        scheduler.step()
    return found


def factors(schedule: Any, **options: Any) -> list[float]:
    curve = rate_factor(schedule, steps=STEPS, **options)
    return [curve(step) for step in range(1, STEPS + 1)]


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)


TORCH: dict[str, LRScheduler] = {
    "linear": LinearLR(optimizer(), 1.0, 0.0, total_iters=STEPS),
    "cosine": CosineAnnealingLR(optimizer(), STEPS),
}


@pytest.mark.parametrize("schedule", TORCH)
def test_a_decay_is_that_of_torch(schedule: str) -> None:
    assert factors(schedule) == pytest.approx(rates(TORCH[schedule]), abs=1e-12)


@pytest.mark.parametrize("warmup", [0, 3])
@pytest.mark.parametrize(
    ("schedule", "name", "more"),
    [
        ("constant", "constant_with_warmup", None),
        ("linear", "linear", None),
        ("cosine", "cosine", None),
        ("wsd", "warmup_stable_decay", {"num_decay_steps": 4, "decay_type": "linear"}),
    ],
)
def test_a_warm_up_is_that_of_transformers(
    schedule: str, name: str, more: dict[str, Any] | None, warmup: int
) -> None:
    theirs = get_scheduler(name, optimizer(), warmup, STEPS, more)
    decay = more and more["num_decay_steps"]
    assert factors(schedule, warmup_steps=warmup, decay_steps=decay) == pytest.approx(rates(theirs))


def test_a_constant_rate_is_exactly_the_peak() -> None:
    assert factors("constant") == [1.0] * STEPS


def test_wsd_is_stable_between_warm_up_and_decay() -> None:
    assert factors("wsd", warmup_steps=2, decay_steps=4) == pytest.approx(
        [0, 0.5, *[1.0] * 6, 1.0, 0.75, 0.5, 0.25]
    )


def test_a_cooldown_begins_at_the_full_rate_and_would_be_nothing_one_step_later() -> None:
    curve = cooldown_factor(20, 4)
    assert [curve(step) for step in (21, 22, 23, 24, 25)] == [1.0, 0.75, 0.5, 0.25, 0.0]
