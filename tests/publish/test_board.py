"""Several processes give what one gives; what goes wrong in one of them is told all the same."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mobench.machine.control_groups import ROOT as CONTROL_GROUPS
from mobench.machine.control_groups import cores
from mobench.publish.pages.board import WORTH_IT, Refused, draw, draw_all, each, processes
from mobench.publish.submission.intake import ROWS, folders


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
    alone = [draw(place) for place in places_of(three)]
    together = each(draw, places_of(three), 2)
    assert together == alone
    shown = draw_all(three).drawn
    assert [one.entry.submission.organism for one in shown] == ["a-tiny", "b-tiny", "c-tiny"]


def test_problems_found_in_processes_are_all_told(three: Path) -> None:
    for name in ("a-tiny", "c-tiny"):
        (rows,) = (three / "results" / name).rglob(ROWS)
        rows.write_bytes(b"not gzip")
    refused = [one for one in each(draw, places_of(three), 2) if isinstance(one, Refused)]
    assert all(one.malformed for one in refused)
    results = draw_all(three)
    told = [f"{three}/{problem}" for problem in results.problems]
    assert told == [line for one in refused for line in one.problems]
    assert [problem.split("/")[-4] for problem in told] == ["a-tiny", "c-tiny"]
    assert [one.entry.submission.organism for one in results.drawn] == ["b-tiny"]


def _dies_elsewhere(place: Path) -> str:
    if multiprocessing.parent_process() is not None:
        os._exit(1)
    return place.name


def test_one_process_goes_on_where_others_die(three: Path) -> None:
    places = places_of(three)
    assert each(_dies_elsewhere, places, 2) == [place.name for place in places]
