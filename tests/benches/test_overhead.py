"""The overhead benchmark: what it measures, on a small scale."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from support.tiny_models import llama, token_ids

from benchmarks.board_tree import board_tree
from benchmarks.overhead import board, checking, collecting, listing, main, start_up, table
from benchmarks.overhead_share import Arithmetic, arithmetic
from mobench.lanes import LoraLanes
from mobench.publish.submission import files as submission
from mobench.train.batches import Encoded
from mobench.train.pack import Recipe, Run, train_pack


def test_arithmetic_of_training_and_answering_is_counted_once() -> None:
    model = llama(torch.float32)
    lanes = LoraLanes(model, [0], rank=2, alpha=4.0)
    original = torch.nn.Module.__call__
    with arithmetic() as spent:
        started = time.perf_counter()
        train_pack(lanes, [Run(1e-3, 0)], [Encoded((5, 6), (7,))], Recipe(2, 2), pad=0)
        model(input_ids=token_ids(2, 4))
        whole = time.perf_counter() - started
    assert set(spent.seconds) == {"training forward", "backward", "optimizer", "forward"}
    assert 0 < sum(spent.seconds.values()) < whole
    assert torch.nn.Module.__call__ is original


def test_a_call_within_a_call_is_not_counted_twice() -> None:
    spent = Arithmetic()
    inner = spent.timed("inner", lambda: time.sleep(0.002))
    outer = spent.timed("outer", lambda: inner())
    outer()
    assert set(spent.seconds) == {"outer"}
    inner()
    assert set(spent.seconds) == {"outer", "inner"}


def test_an_error_ends_the_timing() -> None:
    spent = Arithmetic()

    def fail() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        spent.timed("a", fail)()
    assert not spent.busy


def test_many_organisms_are_collected() -> None:
    found = collecting(3)
    assert found["organisms"] == 3
    assert found["seconds"] > 0


def test_a_board_holds_the_committed_results_under_new_names(tmp_path: Path) -> None:
    assert board_tree(tmp_path, 20) >= 20
    results = submission.read_all(tmp_path / "results")
    assert len({result.organism for result in results}) == len(results)


def test_a_board_is_read_scored_and_rendered() -> None:
    found = board(1)
    assert found["results"] == 1
    # The front page, one page, five plots, and the data twice.
    assert found["files"] == 9
    assert found["seconds"] == pytest.approx(found["seconds_score"] + found["seconds_render"])


def test_a_board_is_checked_whole_unchanged_and_with_one_more() -> None:
    found = checking(1)
    assert found["results"] == 1
    assert min(found[f"seconds_{name}"] for name in ("all", "unchanged", "one_more")) > 0


def test_start_up_is_compared_with_an_import_of_click() -> None:
    found = start_up(1)
    assert found["ratio"] == found["seconds_help"] / found["seconds_click"]


def test_listing_is_compared_with_an_import_of_pydantic() -> None:
    found = listing(1)
    assert found["ratio"] == found["seconds_list"] / found["seconds_pydantic"]
    assert found["ratio"] > 1
    assert found["organisms"] > 40


def test_one_part_alone_can_be_asked_for() -> None:
    result = CliRunner().invoke(main, ["--part", "nonsense"])
    assert result.exit_code == 2


def test_the_table_says_only_what_was_measured() -> None:
    machine = {
        "cpu": "a CPU", "cores": 2, "threads": 2, "gpu": None, "memory_gb": 8.0,
        "versions": {"torch": "2.13.0"},
    }  # fmt: skip
    text = table({"machine": machine, "collect": {"organisms": 1000, "seconds": 0.5}})
    assert "1,000 organisms: 0.50 s" in text
    assert "overhead" not in text
