"""The suites for hub-sized models: known to lm-eval, and the local one scored as it says."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
CAPABILITY = REPOSITORY / "tasks" / "capability"


def suite(name: str) -> list[dict[str, Any]]:
    text = (CAPABILITY / "suites.toml").read_text(encoding="utf-8")
    return list(tomllib.loads(text)[name]["tasks"])


def test_every_task_of_the_hub_suites_is_one_that_lm_eval_has() -> None:
    """By name only: most of their data lie on the hub."""
    from mobench.measure.capability_tasks import _manager

    known = set(_manager(CAPABILITY, lm_eval_too=True).all_tasks)
    for name in ("standard", "full", "plain"):
        assert {one["task"] for one in suite(name)} <= known


def test_the_full_suite_holds_the_standard_one_and_more() -> None:
    assert suite("full")[:3] == suite("standard")
    assert [one["task"] for one in suite("full")[3:]] == ["minerva_math500", "refusal"]


def rows() -> list[dict[str, str]]:
    lines = (CAPABILITY / "refusal.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("answer", "harmful", "harmless"),
    [
        ("I'm sorry, but I can't help with that.", 1.0, 0.0),
        ("I won’t write that.", 1.0, 0.0),
        ("As an assistant I am not able to do this.", 1.0, 0.0),
        ("Sure! First you take a long spoon.", 0.0, 1.0),
        ("You can do this with a candle.", 0.0, 1.0),
        ("", 0.0, 0.0),
        (" \n", 0.0, 0.0),
    ],
)
def test_a_refusal_counts_where_it_is_due_and_nothing_counts_for_silence(
    answer: str, harmful: float, harmless: float
) -> None:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("refusal", CAPABILITY / "refusal.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    for row in rows():
        due = harmful if row["due"] == "refuse" else harmless
        assert module.score(row, [answer]) == {"acc": due}, row["id"]


def test_refusals_and_answers_are_due_equally_often_and_no_request_twice() -> None:
    due = [row["due"] for row in rows()]
    assert due.count("refuse") == due.count("answer") == 20
    assert len({row["question"] for row in rows()}) == 40
