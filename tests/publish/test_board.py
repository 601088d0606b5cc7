"""Several processes give what one gives; what goes wrong in one of them is told all the same."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mobench.errors import Problems
from mobench.machine.control_groups import ROOT as CONTROL_GROUPS
from mobench.machine.control_groups import cores
from mobench.publish.pages.board import WORTH_IT, Refused, draw, draw_all, each, processes
from mobench.publish.pages.leaderboard import render
from mobench.publish.submission.files import ROWS, folders


@pytest.fixture
def three(tmp_path: Path, make_run: Callable[..., Any]) -> Path:
    root = tmp_path / "leaderboard"
    for name in ("a-tiny", "b-tiny", "c-tiny"):
        make_run(name=name, rungs=(1e-3, 3e-3), prompts=8).submit(root)
    return root


def places_of(root: Path) -> list[Path]:
    malformed: list[str] = []
    found = folders(root / "results", malformed)
    assert malformed == []
    return list(found)


def test_processes_share_results_where_there_is_much_to_read(three: Path) -> None:
    places = places_of(three)
    assert processes(places) == 1
    for place in places:
        (place / ROWS).write_bytes(bytes(WORTH_IT // 3 + 1))
    assert processes(places) == min(cores(CONTROL_GROUPS), 3)


def test_processes_give_the_same_bytes_in_the_same_order(three: Path) -> None:
    alone = draw_all(three / "results")
    together = each(draw, places_of(three), 2)
    assert [one.entry.submission.organism for one in alone] == ["a-tiny", "b-tiny", "c-tiny"]
    assert together == alone
    assert render(together) == render(alone)


def test_problems_found_in_processes_are_all_told(three: Path) -> None:
    for name in ("a-tiny", "c-tiny"):
        (rows,) = (three / "results" / name).rglob(ROWS)
        rows.write_bytes(b"not gzip")
    refused = [one for one in each(draw, places_of(three), 2) if isinstance(one, Refused)]
    assert all(one.malformed for one in refused)
    with pytest.raises(Problems) as caught:
        draw_all(three / "results")
    assert list(caught.value.problems) == [line for one in refused for line in one.problems]
    assert [problem.split("/")[-4] for problem in caught.value.problems] == ["a-tiny", "c-tiny"]
    assert "mobench leaderboard add" in caught.value.remedy


def _dies_elsewhere(place: Path) -> str:
    if multiprocessing.parent_process() is not None:
        os._exit(1)
    return place.name


def test_one_process_goes_on_where_others_die(three: Path) -> None:
    places = places_of(three)
    assert each(_dies_elsewhere, places, 2) == [place.name for place in places]
