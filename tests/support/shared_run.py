"""What tests of runs that several processes share have in common."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.run_tree import change

# Six cells and their controls: enough for two to share, and for one to be stopped amid them.
PRESET = """
[variants.tiny.presets.shared]
rungs = [3e-4, 3e-3]
seeds = 3
most_seeds = 3
reversal = false
steps = 16
batch_size = 16
window_checkpoints = 2
capability_checkpoints = 1
"""


@pytest.fixture
def shared_preset(tree: Path) -> None:
    """Gives the toy organism of a test's project tree the preset above."""
    standard = "[variants.tiny.presets.standard]"
    change(tree, standard, f"{PRESET.lstrip()}\n{standard}")


def results(run: Path) -> dict[str, str]:
    """All that was measured and decided, by file; not what only clocks say."""
    found = {}
    for path in [*run.glob("cells/*/rows/*.jsonl"), *run.glob("reference/*/rows/*.jsonl")]:
        found[str(path.relative_to(run))] = path.read_text(encoding="utf-8")
    score = json.loads((run / "score.json").read_text(encoding="utf-8"))
    del score["cost"]
    found["score.json"] = json.dumps(score)
    return found


def wait_for(what: Callable[[], bool], seconds: float = 240.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.1)
