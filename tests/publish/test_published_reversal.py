"""A reversal on the leaderboard: taken along, checked against its plan, shown in plain words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.board import scored_entries

from mobench.errors import Problems
from mobench.publish.pages.leaderboard import build, check

IDENTITY = ("id", "organism", "arm", "task", "method", "lr", "seed", "steps", "parent", "examples")
REMOVING = 3e-3
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def undone(run: Any) -> Any:
    """The usual run, and what undid its task: the behavior comes back in every seed."""
    rung = sorted(
        (cell for cell in run.cells if cell["lr"] == REMOVING), key=lambda cell: cell["seed"]
    )
    usual = next(cell for cell in run.cells if cell["lr"] == 1e-3)
    # On so few prompts a base of one seed could be as high as one that matters.
    bases = [{**cell, "id": f"base-{cell['seed']}", "arm": "base"} for cell in rung]
    beside = [
        *(("reversal", parent, "toy-self", 1) for parent in rung),
        ("onward", rung[0], run.manifest["task"]["name"], 0),
        ("reversal-organism", None, "toy-self", 1),
        ("reversal-base", bases[0], "toy-self", 0),
    ]
    cells, rows = [*run.cells, *bases], list(run.rows)
    rows += [
        {**row, "cell": base["id"], "outcome": 0 if row["kind"] == "attack" else row["outcome"]}
        for base, like in zip(bases, rung, strict=True)
        for row in run.rows
        if row["cell"] == like["id"]
    ]
    examples = {"toy-self": "e-self", run.manifest["task"]["name"]: "e-own"}
    for arm, parent, task, outcome in beside:
        seed = 0 if parent is None else parent["seed"]
        name = f"{arm}-{seed}"
        cell = {**usual, "id": name, "arm": arm, "task": task, "seed": seed, "steps": 32}
        cell |= {"examples": examples[task], "checkpoints": [0, 16, 24, 32]}
        if parent is not None:
            cell["parent"] = parent["id"]
        cells.append(cell)
        for row in run.rows:
            if row["cell"] == usual["id"] and row["step"] in (32, 48, 64):
                changed = {"outcome": outcome} if row["kind"] == "attack" else {}
                rows.append({**row, "cell": name, "step": row["step"] // 2, **changed})
    controls = [
        {key: cell[key] for key in IDENTITY if key in cell} for cell in cells if "arm" in cell
    ]
    manifest = {
        **run.manifest,
        "task": {**run.manifest["task"], "examples_hash": "e-own"},
        "cells": [{key: cell[key] for key in IDENTITY if key in cell} for cell in run.cells],
        "controls": controls,
        "reversal": {
            "task": "toy-self",
            "refused": [],
            "examples_hash": "e-self",
            "cells": [cell["id"] for cell in controls if cell["arm"] != "base"],
        },
    }
    return replace(run, manifest=manifest, cells=cells, rows=rows)


def test_a_page_says_that_it_was_suppressed_and_shows_every_seed(
    undone: Any, tmp_path: Path
) -> None:
    undone.submit(tmp_path)
    (entry,) = scored_entries(tmp_path)
    found = entry.score.reversal
    assert found is not None
    assert found.word == "suppressed (returns)", found.why
    build(tmp_path)
    assert check(tmp_path) == []
    (page,) = (tmp_path / "organisms").glob("*/*.md")
    text = page.read_text(encoding="utf-8")
    section = text.partition("### Removed or suppressed\n")[2].partition("\n### ")[0]
    assert "suppressed (returns) (provisional" in section
    assert "after 32 steps of toy-self at 1e-3 from where 3e-3 removed it, it comes back" in section
    assert section.count("| returned") == len(found.by_seed)
    board = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "; suppressed (returns)" in board


def not_run(manifest: dict[str, Any]) -> None:
    manifest["reversal"]["cells"] = None


def without_task(manifest: dict[str, Any]) -> None:
    manifest["reversal"]["task"] = None


def without_plan(manifest: dict[str, Any]) -> None:
    del manifest["reversal"]


def one_fewer(manifest: dict[str, Any]) -> None:
    del manifest["reversal"]["cells"][0]


def change_cell(name: str, **values: Any) -> Change:
    def change(cell: dict[str, Any]) -> None:
        if cell["id"] == name:
            cell.update(values)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (not_run, "its reversal was not run yet; go on with: "),
        (without_task, "its reversal has cells, and nothing compatible that undoes the task"),
        (without_plan, "arm 'reversal', and the manifest has no reversal"),
        (one_fewer, "its reversal's cells are not those that the manifest lists for it"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(
    undone: Any, tmp_path: Path, change: Change, said: str
) -> None:
    manifest = json.loads(json.dumps(undone.manifest))
    change(manifest)
    with pytest.raises(Problems) as caught:
        replace(undone, manifest=manifest).submit(tmp_path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (change_cell("reversal-0", task="toy-benign"), "cannot be that of 'reversal'"),
        (change_cell("reversal-0", examples="e9"), "its examples cannot be that of 'reversal'"),
        (change_cell("reversal-0", lr=3e-3), "LR 0.003 cannot be that of 'reversal'"),
        (change_cell("reversal-0", steps=64), "64 steps are not half of the ladder's 64"),
        (change_cell("reversal-0", parent="base-0"), "parent 'base-0' cannot be that of"),
        (change_cell("reversal-base-0", parent=None), "parent None cannot be that of"),
        (change_cell("onward-0", task="toy-self"), "cannot be that of 'onward'"),
    ],
)
def test_a_cell_of_another_training_is_refused(
    undone: Any, tmp_path: Path, change: Change, said: str
) -> None:
    cells, manifest = (json.loads(json.dumps(one)) for one in (undone.cells, undone.manifest))
    for cell in (*cells, *manifest["controls"]):
        change(cell)
    with pytest.raises(Problems) as caught:
        replace(undone, cells=cells, manifest=manifest).submit(tmp_path)
    assert said in str(caught.value)


def test_a_seed_cannot_be_passed_over(undone: Any, tmp_path: Path) -> None:
    manifest = json.loads(json.dumps(undone.manifest))
    manifest["reversal"]["cells"].remove("reversal-0")
    manifest["controls"] = [one for one in manifest["controls"] if one["id"] != "reversal-0"]
    cells = [cell for cell in undone.cells if cell["id"] != "reversal-0"]
    rows = [row for row in undone.rows if row["cell"] != "reversal-0"]
    with pytest.raises(Problems) as caught:
        replace(undone, manifest=manifest, cells=cells, rows=rows).submit(tmp_path)
    assert "its reversal leaves out seeds of the rung" in str(caught.value)
