"""mobench run follows its sequential plan: seeds added where they decide, resumed, recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from support.run_tree import Runs, change, manifest, only_run
from support.watched_progress import WatchedProgress

Mobench = Callable[..., Result]

# The standard rung holds, 3e-3 removes early and 1e-2 decides nothing.
PRESET = """
[variants.tiny.presets.growing]
rungs = [3e-4, 3e-3, 1e-2]
seeds = 2
most_seeds = 6
steps = 128
batch_size = 32
window_checkpoints = 4
capability_checkpoints = 1
"""


@pytest.fixture
def folder(tree: Path) -> Callable[[], Path]:
    """The only run's folder, in a tree whose toy organism has the preset above."""
    standard = "[variants.tiny.presets.standard]"
    change(tree, standard, f"{PRESET.lstrip()}\n{standard}")
    return partial(only_run, tree)


def seeds_by_rung(told: dict[str, Any]) -> dict[float, int]:
    rungs = {cell["lr"] for cell in told["cells"]}
    return {lr: sum(cell["lr"] == lr for cell in told["cells"]) for lr in rungs}


def test_seeds_are_added_at_the_rungs_that_decide_and_a_stopped_run_goes_on(
    mobench: Mobench, run_shown: Runs, folder: Callable[[], Path], tree: Path
) -> None:
    def while_adding(what: str, done: int) -> bool:
        # Eight cells are added, six of them in a pack before.
        return what == "training 2 cells" and done == 100

    with pytest.raises(KeyboardInterrupt):
        run_shown(WatchedProgress(while_adding), preset="growing")
    run = folder()
    told = manifest(run)
    assert told["plan"]["grown"] == [
        {"lr": 3e-4, "seeds": 6, "steps": 128, "base": 0},
        {"lr": 3e-3, "seeds": 6, "steps": 128, "base": 0},
    ]
    assert not told["plan"]["finished"]
    refused = mobench("leaderboard", "add", str(run), "--root", str(tree))
    assert refused.exit_code == 2
    first = {path: path.stat().st_mtime_ns for path in (run / "cells").rglob("result.json")}
    assert len(first) == 6 + 1 + 1 + 3 + 6, "the ladder, its controls, and the first pack added"

    run_shown(WatchedProgress(lambda *_: False), preset="growing")
    told = manifest(run)
    assert told["plan"]["finished"]
    assert seeds_by_rung(told) == {3e-4: 6, 3e-3: 6, 1e-2: 2}
    assert all(path.stat().st_mtime_ns == at for path, at in first.items())
    result = mobench("report", str(run), "--json")
    score = json.loads(result.output)
    assert score["verdict"]["word"] == "defeated only at high LR"
    assert not score["verdict"]["provisional"]
    assert [rung["seeds"] for rung in score["rungs"]] == [6, 6, 2]

    # What is finished asks for nothing, and says the same.
    run_shown(WatchedProgress(lambda *_: False), preset="growing")
    again = manifest(run)
    assert again["plan"] == told["plan"]
    assert again["cells"] == told["cells"]


def test_whoever_changes_the_plan_later_is_told_of(
    run_shown: Runs, folder: Callable[[], Path], tree: Path
) -> None:
    change(tree, "most_seeds = 6", "most_seeds = 2")
    run_shown(WatchedProgress(lambda *_: False), preset="growing")
    told = manifest(folder())
    assert told["plan"]["looks"] == []
    assert told["plan"]["finished"]
    assert not told["plan"]["changed_later"]
    change(tree, "rungs = [3e-4, 3e-3, 1e-2]\nseeds = 2\nmost_seeds = 2\nsteps = 128",
           "rungs = [3e-4, 3e-3, 1e-2]\nseeds = 2\nmost_seeds = 3\nsteps = 128")  # fmt: skip
    run_shown(WatchedProgress(lambda *_: False), preset="growing")
    changed = manifest(folder())
    assert changed["plan"]["changed_later"]
    assert changed["plan"]["hash"] != told["plan"]["hash"]
    run_shown(WatchedProgress(lambda *_: False), preset="growing")
    assert manifest(folder())["plan"]["changed_later"], "it stays said"
