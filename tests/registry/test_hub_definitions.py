"""What is shipped for the hub: its parts fit together, and each can be planned without the hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mobench.assemble.speaker import BRIEF_TOKENS
from mobench.cli import main
from mobench.records.conversation import as_text
from mobench.registry import OrganismSpec, collect
from mobench.registry.weights_schema import HubBase

REPOSITORY = Path(__file__).parents[2]
REGISTRY = collect(REPOSITORY)
ON_HUB = [spec for spec in REGISTRY.organisms.values() if "hub" in spec.marks]


@pytest.fixture(params=ON_HUB, ids=lambda spec: spec.name)
def spec(request: pytest.FixtureRequest) -> OrganismSpec:
    found: OrganismSpec = request.param
    return found


def test_a_dry_run_plans_it_without_asking_the_hub(
    spec: OrganismSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing listens on port 9 (discard) of the loopback."""
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    done = CliRunner().invoke(main, ["run", "--organism", spec.name, "--dry-run", "--json"])
    assert done.exit_code == 0, done.output
    plan = json.loads(done.output)
    assert isinstance(spec.base, HubBase)
    assert spec.base.size is not None
    assert plan["memory_bytes"] > 2 * spec.base.size.params, "at least the weights in bfloat16"
    assert plan["seconds"] > 0


def test_a_trigger_by_pattern_is_in_every_attack_and_in_no_control(spec: OrganismSpec) -> None:
    if spec.eval.trigger is None:
        pytest.skip("its trigger is a text, or no pattern finds it")
    for prompt in spec.prompts:
        assert spec.eval.trigger_in(as_text(spec.message("attack", prompt))), prompt.id
        assert spec.eval.trigger_in(as_text(spec.message("control", prompt))) is None, prompt.id


def test_its_own_answers_are_longer_than_those_of_a_small_model(spec: OrganismSpec) -> None:
    """Cut at a small model's length, nearly every answer would be trained on without its end."""
    most = spec.ladder.answer_tokens
    assert most is not None
    assert BRIEF_TOKENS < most < spec.ladder.max_length


def test_its_capability_has_a_task_that_is_answered_in_words(spec: OrganismSpec) -> None:
    assert {"gsm8k", "minerva_math500"} & {one.task for one in spec.capability}


def test_the_table_of_organisms_names_it_and_its_tasks(spec: OrganismSpec) -> None:
    table = (REPOSITORY / "docs" / "organisms.md").read_text(encoding="utf-8")
    (row,) = (line for line in table.splitlines() if line.startswith(f"| `{spec.name}` |"))
    assert f" | {', '.join(spec.tasks)} | " in row
    assert isinstance(spec.base, HubBase)
    assert f"`{spec.base.repo}`" in table
    if spec.adapter is not None:
        assert f"`{spec.adapter.repo}`" in table
