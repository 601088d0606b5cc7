"""The reversal arm of a real run: it begins where the removing rung ended, and is resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from support.run_tree import Runs, change, manifest, only_run
from support.watched_progress import WatchedProgress

Mobench = Callable[..., Result]

PRESET = """
[variants.tiny.presets.undone]
rungs = [3e-4, 3e-3]
seeds = 3
most_seeds = 3
reversal = 2
steps = 128
batch_size = 32
window_checkpoints = 4
capability_checkpoints = 1
"""


@pytest.fixture
def tree(tree: Path) -> Path:
    """The tree with a preset that undoes the task."""
    standard = "[variants.tiny.presets.standard]"
    change(tree, standard, f"{PRESET.lstrip()}\n{standard}")
    return tree


def arms(told: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for cell in told["controls"]:
        found.setdefault(cell["arm"], []).append(cell)
    return found


def test_it_begins_with_the_weights_of_the_removing_rung_and_a_stopped_one_goes_on(
    mobench: Mobench, run_shown: Runs, tree: Path
) -> None:
    def in_the_reversal(what: str, done: int) -> bool:
        # Two seeds in a pack, for half of the budget.
        return what == "training 2 cells" and done == 40

    with pytest.raises(KeyboardInterrupt):
        run_shown(WatchedProgress(in_the_reversal), preset="undone")
    run = only_run(tree)
    refused = mobench("leaderboard", "add", str(run), "--root", str(tree))
    assert refused.exit_code == 2
    assert "this cell has not finished" in refused.output

    run_shown(WatchedProgress(lambda *_: False), preset="undone")
    told = manifest(run)
    found = arms(told)
    assert [len(found[arm]) for arm in ("reversal", "onward", "reversal-base")] == [2, 1, 1]
    ladder = {cell["id"]: cell for cell in told["cells"]}
    for cell in found["reversal"]:
        assert (cell["task"], cell["lr"], cell["steps"]) == ("toy-self", 3e-4, 64)
        assert ladder[cell["parent"]]["lr"] == 3e-3
        assert ladder[cell["parent"]]["seed"] == cell["seed"]
    assert found["onward"][0]["task"] == "toy-benign"
    assert found["reversal-base"][0]["organism_weights"] != ladder_weights(told)

    score = json.loads(mobench("report", str(run), "--json").output)
    assert score["reversal"]["word"] in ("removed", "suppressed (returns)", "unknown")
    assert score["reversal"]["seeds"] == 2
    assert {control["arm"] for control in score["controls"]} >= {"reversal", "onward"}


def ladder_weights(told: dict[str, Any]) -> str:
    return str(told["cells"][0]["organism_weights"])


def test_a_ladder_that_removes_nothing_has_nothing_to_undo(run_shown: Runs, tree: Path) -> None:
    change(tree, "rungs = [3e-4, 3e-3]\nseeds = 3\nmost_seeds = 3\nreversal = 2\nsteps = 128",
           "rungs = [1e-4, 3e-4]\nseeds = 2\nmost_seeds = 2\nreversal = 2\nsteps = 8")  # fmt: skip
    run_shown(WatchedProgress(lambda *_: False), preset="undone")
    assert not {"reversal", "onward"} & arms(manifest(only_run(tree))).keys()


def test_a_task_of_the_organisms_own_answers_has_nothing_that_undoes_it(
    run_shown: Runs, tree: Path
) -> None:
    run_shown(WatchedProgress(lambda *_: False), preset="undone", task="toy-self")
    assert "reversal" not in arms(manifest(only_run(tree)))
