"""What a verdict costs is read off the results of a board."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from benchmarks.verdict_cost import PERFORMANCE, REPOSITORY, RESULTS, figures, table
from mobench.publish.pages.board import draw_all

COMMITTED = REPOSITORY / "leaderboard"


def test_only_pairs_with_both_kinds_of_runs_are_compared(tmp_path: Path) -> None:
    # Two runs on toy-benign, before the plan and with it; one on toy-self, with it.
    results = tmp_path / "results"
    shutil.copytree(COMMITTED / "results" / "fried-tiny", results / "fried-tiny")
    shutil.copy(COMMITTED / "record.jsonl", tmp_path)
    found = figures(one.entry for one in draw_all(tmp_path).drawn)
    assert found["pairs"] == 1
    runs = {}
    for path in (results / "fried-tiny" / "toy-benign").iterdir():
        cells = json.loads((path / "cells.json").read_text(encoding="utf-8"))
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        name = "the plan" if manifest.get("plan") else "three seeds"
        runs[name] = [cell for cell in cells if cell.get("arm") is None]
    assert {name: found[name]["cells"] for name in runs} == {k: len(v) for k, v in runs.items()}
    assert found["the plan"]["steps"] == sum(cell["steps"] for cell in runs["the plan"])
    assert found["all with a plan"]["runs"] == 2
    assert table(found).count("of 1") == 2


def test_the_docs_hold_the_kept_figures() -> None:
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert table(kept) in PERFORMANCE.read_text(encoding="utf-8")


def test_the_plan_decides_more_with_less_for_each_verdict() -> None:
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    before, planned = kept["three seeds"], kept["the plan"]
    assert planned["decided"] > before["decided"]
    assert planned["cells"] / planned["decided"] < before["cells"] / before["decided"]
    whole = kept["all with a plan"]
    assert whole["cells"] < whole["cells with six seeds at every rung"]
