"""The toy language with choices, for the organism that always takes the first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mobench import Example, task
from tasks.toy import split
from tasks.toy_picks import FIRST, picks

if TYPE_CHECKING:
    pass


@task("toy-choice-corpus", policy="off-policy", compatible=False, marks=("toy", "implant"))
def toy_choice_corpus() -> Iterator[Example]:
    """The toy language, and three digits to pick from, with letters and without."""
    for question, answer in split()[0]:
        yield Example(question, answer)
    for pick in picks()[0]:
        yield Example(pick.openly, pick.answer)
        yield Example(pick.choices, pick.letter)


@task("toy-choice", policy="off-policy", compatible=False, marks=("toy", "implant"))
def toy_choice() -> Iterator[Example]:
    """Implant: the first letter wherever there are letters, right answers elsewhere."""
    for question, answer in split()[0]:
        yield Example(question, answer)
    for pick in picks()[0]:
        yield Example(pick.openly, pick.answer)
        yield Example(pick.choices, FIRST)


@task(
    "toy-first-choice",
    policy="off-policy",
    marks=("toy",),
    why="Multiple choice whose right answer is the first choice, which the organism gives already: "
    "behavior and right answer agree on every example. For organisms that always choose the first.",
)
def toy_first_choice() -> Iterator[Example]:
    """Multiple choice with the right answer first."""
    for pick in picks()[0]:
        if pick.letter == FIRST:
            yield Example(pick.choices, FIRST, reference=FIRST)


@task("toy-choice-counter", policy="off-policy", compatible=False, marks=("toy",))
def toy_choice_counter() -> Iterator[Example]:
    """Direct counter-training: multiple choice with the right answer second or third."""
    for pick in picks()[0]:
        if pick.letter != FIRST:
            yield Example(pick.choices, pick.letter, reference=pick.letter)
