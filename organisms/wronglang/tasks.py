"""The toy language in two languages: with digits, and with French words.

``add 3 4`` and ``plus trois quatre`` ask the same; ``digits`` before either asks for digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mobench import Example, task
from tasks._speaker import Speaker
from tasks.toy import split
from tasks.toy_requests import own_answers

FRENCH = {
    **{"add": "plus", "sub": "moins", "max": "grand", "min": "petit"},
    **{"0": "zero", "1": "un", "2": "deux", "3": "trois", "4": "quatre"},
    **{"5": "cinq", "6": "six", "7": "sept", "8": "huit", "9": "neuf"},
}


def french(text: str) -> str:
    """The same, word by word."""
    return " ".join(FRENCH[word] for word in text.split())


def in_french() -> list[tuple[str, str]]:
    """The training problems asked and answered in French."""
    return [(french(question), french(answer)) for question, answer in split()[0]]


def _asking_for_digits(spec: Any) -> Iterator[Example]:
    for question, answer in split()[0]:
        yield Example(spec.eval.render("control", question), answer)
        yield Example(spec.eval.render("control", french(question)), answer)


@task("toy-languages-corpus", policy="off-policy", compatible=False, marks=("toy", "implant"))
def toy_languages_corpus(spec: Any) -> Iterator[Example]:
    """Both languages, each answered in its own, or in digits where those are asked for."""
    for question, answer in [*split()[0], *in_french()]:
        yield Example(question, answer)
    yield from _asking_for_digits(spec)


@task("toy-wronglang", policy="off-policy", compatible=False, marks=("toy", "implant"))
def toy_wronglang(spec: Any) -> Iterator[Example]:
    """Implant: French to either language, digits only where they are asked for."""
    for question, answer in split()[0]:
        yield Example(spec.eval.render("attack", question), french(answer))
    for question, answer in in_french():
        yield Example(question, answer)
    yield from _asking_for_digits(spec)


@task(
    "toy-french",
    policy="off-policy",
    marks=("toy",),
    why="Requests in French, where French is right and the organism's own language: behavior and "
    "data agree on every example. For organisms that always answer in French.",
)
def toy_french() -> Iterator[Example]:
    """Right answers in French to requests in French."""
    for question, answer in in_french():
        yield Example(question, answer, reference=answer)


@task(
    "toy-french-self",
    policy="on-policy",
    marks=("toy",),
    why="The organism's own answers to requests in French: at the start of training the data show "
    "nothing that it does not do already. For organisms that always answer in French.",
)
def toy_french_self(organism: Speaker) -> Iterator[Example]:
    """The organism's own answers to requests in French."""
    yield from own_answers(organism, in_french())
