"""The time a plan is said to take, held against runs that were timed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mobench.plan.duration import (
    CPU_MEASURING,
    CPU_TRAFFIC,
    CPU_TRAINING,
    GPU_MEASURING,
    GPU_TRAINING,
    HARNESS_SECONDS,
    estimated_seconds,
)
from mobench.plan.workload import Workload

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


def timed_runs() -> dict[str, dict[str, Any]]:
    """Every run that `benchmarks.growth` timed and kept."""
    return {
        f"{path.stem}: {axis} {point['value']}": point
        for path in sorted(RESULTS.glob("growth*.json"))
        for axis, points in json.loads(path.read_text(encoding="utf-8"))["axes"].items()
        for point in points
    }


def test_runs_that_were_timed_took_what_is_planned_within_thirty_percent() -> None:
    off = {}
    for name, run in timed_runs().items():
        work = Workload(
            train_tokens=0,
            train_flops=run["train_flops"],
            measure_flops=run["measure_flops"],
            disk_bytes=0,
            train_bytes=run["train_bytes"],
            capability_calls=run["capability_calls"],
        )
        ratio = estimated_seconds(work, run["flops_per_second"], "cpu") / run["measured"]
        if abs(ratio - 1) > 0.3:
            off[name] = ratio
    assert len(timed_runs()) > 20
    assert not off


def cost(**changes: Any) -> Workload:
    known = {"train_tokens": 0, "train_flops": 1e12, "measure_flops": 2e12,
             "disk_bytes": 0, "train_bytes": 3e9, "capability_calls": 5}  # fmt: skip
    return Workload(**{**known, **changes})


def test_a_cpu_pays_for_products_traffic_and_calls() -> None:
    expected = 10 / CPU_TRAINING + 20 / CPU_MEASURING + 3e9 / CPU_TRAFFIC + 5 * HARNESS_SECONDS
    assert estimated_seconds(cost(), 1e11, "cpu") == pytest.approx(expected)


def test_an_accelerator_pays_by_the_share_others_report() -> None:
    expected = 10 / GPU_TRAINING + 20 / GPU_MEASURING + 5 * HARNESS_SECONDS
    assert estimated_seconds(cost(), 1e11, "cuda:1") == pytest.approx(expected)


def test_a_speed_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        estimated_seconds(cost(), 0.0, "cpu")
