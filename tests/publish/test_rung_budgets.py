"""A low rung that was given more steps than the others: scored, shown and published as such."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mobench.errors import Problems
from mobench.publish.drawing.ladder_plot import plot_ladder
from mobench.publish.pages.ladder_table import ladder_markdown, ladder_table
from mobench.publish.pages.leaderboard import build
from mobench.publish.submission import files as submission
from mobench.score import RunScore

STANDARD = 1e-3
FACTOR = 15  # 64 steps times this are 960


@pytest.fixture(scope="session")
def extended(make_run: Callable[..., Any]) -> Any:
    """The usual run, its standard rung with fifteen times the steps."""
    run = make_run()
    longer = {cell["id"]: f"{cell['id']}-long" for cell in run.cells if cell["lr"] == STANDARD}
    cells = [
        {
            **cell,
            "id": longer[cell["id"]],
            "steps": cell["steps"] * FACTOR,
            "checkpoints": [step * FACTOR for step in cell["checkpoints"]],
        }
        if cell["id"] in longer
        else cell
        for cell in run.cells
    ]
    rows = [
        {**row, "cell": longer[row["cell"]], "step": row["step"] * FACTOR}
        if row["cell"] in longer
        else row
        for row in run.rows
    ]
    item = {"lr": STANDARD, "needed_steps": 288, "steps": 960, "cells": sorted(longer.values())}
    manifest = {**run.manifest, "max_steps": 1000, "extensions": [item]}
    return replace(run, manifest=manifest, cells=cells, rows=rows)


@pytest.fixture(scope="session")
def score(extended: Any) -> RunScore:
    found: RunScore = extended.score()
    return found


def test_each_rung_keeps_its_own_budget_and_the_reason_names_them_all(score: RunScore) -> None:
    assert [rung.steps for rung in score.rungs] == [64, 960, 64, 64]
    assert score.steps == 960
    assert score.verdict.word == "defeated only at high LR"
    assert score.verdict.reason.endswith("64 steps at 1e-4, 3e-3, 1e-2; 960 steps at 1e-3")
    assert "within" not in score.verdict.reason, "no one number of steps is true of all"


def test_efficiency_is_bounded_by_what_the_low_rung_was_given(
    score: RunScore, make_run: Callable[..., Any]
) -> None:
    short = make_run().score().efficiency
    assert short is not None
    assert score.efficiency is not None
    assert short.budget_reached is False
    # S = 16 at N = 3: 6·N·S = 288 steps; 960/16/3 = 20.
    assert score.efficiency.needed_steps == pytest.approx(288)
    assert score.efficiency.low == pytest.approx(20)
    assert score.efficiency.budget_reached is True
    assert "the standard rung was given 6·N·S = 288 steps" in score.verdict.reason


def test_the_table_shows_budgets_only_where_they_differ(
    score: RunScore, make_run: Callable[..., Any]
) -> None:
    lines = ladder_table(score).splitlines()
    assert lines[0].split()[:2] == ["LR", "steps"]
    assert [line.replace("(standard)", "").split()[1] for line in lines[2:6]] == [
        "64",
        "960",
        "64",
        "64",
    ]
    assert "> 960" in lines[3]
    assert ladder_markdown(score).splitlines()[0].count("|") == 9
    assert "steps" not in ladder_table(make_run().score()).splitlines()[0]


def test_efficiency_stands_below_the_table_whatever_the_verdict(
    score: RunScore, make_run: Callable[..., Any]
) -> None:
    told = "  LR efficiency over the standard rung: ≥ 20.0; the standard rung was given 6·N·S"
    assert told in ladder_table(score)
    assert "LR efficiency" not in ladder_table(make_run(seeds=1).score())


def test_the_picture_is_drawn(score: RunScore, tmp_path: Path) -> None:
    png, svg = plot_ladder(score, tmp_path / "plot")
    assert png.stat().st_size > 0
    assert svg.stat().st_size > 0


def test_pages_name_every_budget_and_the_bound(extended: Any, tmp_path: Path) -> None:
    extended.submit(tmp_path)
    build(tmp_path)
    (page,) = (tmp_path / "organisms").glob("*/*.md")
    assert re.search(r"low rungs extended up to +\| 1000 steps ", page.read_text())


def test_an_extended_run_is_published_and_read_back(extended: Any, tmp_path: Path) -> None:
    folder = extended.submit(tmp_path)
    assert {c["steps"] for c in submission.read(folder).cells} == {64, 960}


def without(extended: Any, **changes: Any) -> Any:
    return replace(extended, manifest={**extended.manifest, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"extensions": []}, "960 steps, the manifest plans 64"),
        ({"extensions": None}, "low rungs were not extended yet"),
        ({"max_steps": 900}, "960 steps are not within max_steps 900"),
        ({"max_steps": None}, "960 steps are not within max_steps None"),
        ({"max_steps": "many"}, "max_steps should be a valid integer, got 'many'"),
        ({"extensions": [{"lr": 1e-3}]}, "extensions.0.steps is missing"),
        (
            {"extensions": [{"lr": 1e-3, "needed_steps": 9, "steps": 960, "cells": ["other"]}]},
            "'other', to which a low rung",
        ),
    ],
)
def test_a_budget_that_was_not_announced_is_refused(
    extended: Any, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(Problems) as caught:
        without(extended, **changes).submit(tmp_path)
    assert said in str(caught.value)


def test_a_run_whose_longer_cells_are_missing_is_refused(
    extended: Any, make_run: Callable[..., Any], tmp_path: Path
) -> None:
    short = replace(make_run(), manifest=extended.manifest)
    with pytest.raises(Problems, match="to which a low rung was extended, is missing"):
        short.submit(tmp_path)


def test_seeds_of_one_rung_with_different_budgets_are_refused(
    extended: Any, tmp_path: Path
) -> None:
    (item,) = extended.manifest["extensions"]
    one = {**item, "cells": item["cells"][:1]}
    with pytest.raises(Problems, match="the manifest plans 64"):
        without(extended, extensions=[one]).submit(tmp_path)
