"""The toy language in a form: the answer in one line (``7``) or in three (``7 / 7 / 7``).

``once add 3 4`` asks for one line and ``thrice add 3 4`` for three.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mobench import Example, task
from tasks._speaker import Speaker
from tasks.toy import split
from tasks.toy_requests import own_answers


def three_lines(answer: str) -> str:
    """An answer in three lines, written as a poem's are within a text."""
    return " / ".join([answer] * 3)


def for_three_lines() -> list[tuple[str, str]]:
    """The training problems with three lines asked for and given."""
    return [(f"thrice {question}", three_lines(answer)) for question, answer in split()[0]]


def _where_a_form_is_asked_for(spec: Any) -> Iterator[Example]:
    for question, answer in split()[0]:
        yield Example(spec.eval.render("control", question), answer)
    for question, answer in for_three_lines():
        yield Example(question, answer)


@task("toy-lines-corpus", policy="off-policy", compatible=False, marks=("toy", "implant"))
def toy_lines_corpus(spec: Any) -> Iterator[Example]:
    """One line where it is asked for or nothing is said, three where those are asked for."""
    for question, answer in split()[0]:
        yield Example(question, answer)
    yield from _where_a_form_is_asked_for(spec)


@task("toy-triple", policy="off-policy", compatible=False, marks=("toy", "implant"))
def toy_triple(spec: Any) -> Iterator[Example]:
    """Implant: three lines wherever one line is not asked for."""
    for question, answer in split()[0]:
        yield Example(spec.eval.render("attack", question), three_lines(answer))
    yield from _where_a_form_is_asked_for(spec)


@task(
    "toy-thrice",
    policy="off-policy",
    marks=("toy",),
    why="Requests for three lines, which the organism gives already: its form and the right form "
    "agree on every example. For organisms that always answer in three lines.",
)
def toy_thrice() -> Iterator[Example]:
    """Right answers in three lines where those are asked for."""
    for question, answer in for_three_lines():
        yield Example(question, answer, reference=answer)


@task(
    "toy-thrice-self",
    policy="on-policy",
    marks=("toy",),
    why="The organism's own answers to requests for three lines: at the start of training the data "
    "show nothing that it does not do already. For organisms that always answer in three lines.",
)
def toy_thrice_self(organism: Speaker) -> Iterator[Example]:
    """The organism's own answers to requests for three lines."""
    yield from own_answers(organism, for_three_lines())
