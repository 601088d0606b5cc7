"""Killed at random moments, and with its files damaged: nothing is lost, and nothing is silent.

The longer one, with a hundred kills and every file of a run: ``python -m benchmarks.soak``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def soaked() -> dict[str, Any]:
    """What came of it, from a process of its own: it forks, which none with threads should."""
    command = [sys.executable, "-m", "benchmarks.soak", "--kills", "8", "--each", "4"]
    done = subprocess.run(
        [*command, "--files", "6", "--json"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def test_a_benchmark_that_is_killed_over_and_over_ends_as_one_that_was_not(
    soaked: dict[str, Any],
) -> None:
    assert soaked["kills"] >= 8
    assert soaked["different"] == []
    assert soaked["tracebacks"] == []


def test_a_signal_that_can_be_answered_has_its_exit_code_and_leaves_nothing(
    soaked: dict[str, Any],
) -> None:
    assert soaked["wrong_codes"] == []
    assert soaked["left"] == []


def test_a_damaged_file_is_named_or_changes_nothing(soaked: dict[str, Any]) -> None:
    told = soaked["damages"]["report"]
    assert told["total"] >= 6 * 6
    assert len(told["ways"]) >= 6
    assert told["silent"] == told["unnamed"] == []
    assert told["named"] > 0


def test_a_run_s_command_makes_again_what_was_damaged(soaked: dict[str, Any]) -> None:
    mended = soaked["damages"]["run"]
    assert mended["total"] >= 5
    assert mended["not_mended"] == []
    assert mended["named"] > 0
