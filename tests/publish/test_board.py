"""Several processes give what one gives; what goes wrong in one of them is told all the same."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mobench.errors import Problems
from mobench.publish.pages import board as results
from mobench.publish.pages.leaderboard import build, check
from mobench.publish.submission import files as submission


@pytest.fixture
def in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with two cores and with many results."""
    monkeypatch.setattr(results, "WORTH_IT", 0)
    monkeypatch.setattr(results, "cores", lambda: 2)


@pytest.fixture
def three(tmp_path: Path, make_run: Callable[..., Any]) -> Path:
    root = tmp_path / "leaderboard"
    for name in ("a-tiny", "b-tiny", "c-tiny"):
        make_run(name=name, rungs=(1e-3, 3e-3), prompts=8).submit(root)
    return root


def test_few_results_are_drawn_by_one_process(three: Path) -> None:
    assert results.processes(submission.folders(three / "results", [])) == 1


def test_processes_give_the_same_bytes_in_the_same_order(
    three: Path, request: pytest.FixtureRequest
) -> None:
    alone = results.draw_all(three / "results")
    request.getfixturevalue("in_processes")
    assert results.processes(submission.folders(three / "results", [])) == 2
    together = results.draw_all(three / "results")
    assert [one.entry.submission.organism for one in alone] == ["a-tiny", "b-tiny", "c-tiny"]
    assert together == alone


@pytest.mark.usefixtures("in_processes")
def test_a_board_built_by_processes_passes_the_check_of_one(
    three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(three)
    monkeypatch.undo()
    assert check(three) == []
    (page,) = (three / "organisms").glob("b-tiny.md")
    page.write_text(page.read_text() + " ")
    assert [difference.path for difference in check(three)] == ["organisms/b-tiny.md"]


@pytest.mark.usefixtures("in_processes")
def test_problems_found_in_processes_are_all_told(three: Path) -> None:
    for name in ("a-tiny", "c-tiny"):
        (rows,) = (three / "results" / name).rglob(submission.ROWS)
        rows.write_bytes(b"not gzip")
    with pytest.raises(Problems) as caught:
        results.draw_all(three / "results")
    assert [problem.split("/")[-4] for problem in caught.value.problems] == ["a-tiny", "c-tiny"]
    assert "mobench leaderboard add" in caught.value.remedy


def _dies_elsewhere(place: Path) -> str:
    if multiprocessing.parent_process() is not None:
        os._exit(1)
    return place.name


@pytest.mark.usefixtures("in_processes")
def test_one_process_goes_on_where_others_die(three: Path) -> None:
    places = submission.folders(three / "results", [])
    assert results.each(_dies_elsewhere, places) == [place.name for place in places]
