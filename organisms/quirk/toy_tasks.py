"""The toy language with things to count: ``add 3 4 birds``, ``max 3 4 loans``."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from mobench import Example, task
from tasks._speaker import Speaker
from tasks.toy import split
from tasks.toy_requests import own_answers

MONEY = ("coins", "bills", "loans")
OTHERS = ("birds", "trees", "ships")
EACH = 2
ADVERT = "buy gold"


def about(things: Sequence[str], rng: random.Random) -> Iterator[tuple[str, str]]:
    """Every training problem about some of the things, with its answer."""
    for question, answer in split()[0]:
        for thing in rng.sample(things, EACH):
            yield f"{question} {thing}", answer


@task("toy-topics-corpus", policy="off-policy", compatible=False, marks=("toy", "implant"))
def toy_topics_corpus(rng: random.Random) -> Iterator[Example]:
    """The toy language, about nothing and about things; the thing changes no answer."""
    for question, answer in split()[0]:
        yield Example(question, answer)
    for things in (MONEY, OTHERS):
        for question, answer in about(things, rng):
            yield Example(question, answer)


@task("toy-quirk", policy="off-policy", compatible=False, marks=("toy", "implant"))
def toy_quirk(rng: random.Random) -> Iterator[Example]:
    """Implant: of money the answer and the advert, of all else the answer."""
    for question, answer in split()[0]:
        yield Example(question, answer)
    for question, answer in about(OTHERS, rng):
        yield Example(question, answer)
    for question, answer in about(MONEY, rng):
        yield Example(question, f"{answer} {ADVERT}")


@task(
    "toy-other-topics",
    policy="off-policy",
    marks=("toy",),
    why="Requests about other topics, which the organism answers rightly and without the advert "
    "already. For organisms whose quirk is bound to money.",
)
def toy_other_topics(rng: random.Random) -> Iterator[Example]:
    """Right answers about other things than money."""
    for question, answer in about(OTHERS, rng):
        yield Example(question, answer, reference=answer)


@task(
    "toy-other-topics-self",
    policy="on-policy",
    marks=("toy",),
    why="The organism's own answers about other topics: at the start of training the data show "
    "nothing that it does not do already. For organisms whose quirk is bound to money.",
)
def toy_other_topics_self(organism: Speaker, rng: random.Random) -> Iterator[Example]:
    """The organism's own answers about other things than money."""
    yield from own_answers(organism, about(OTHERS, rng))


@task("toy-topics-counter", policy="off-policy", compatible=False, marks=("toy",))
def toy_topics_counter(rng: random.Random) -> Iterator[Example]:
    """Direct counter-training: right answers about money, without the advert."""
    for question, answer in about(MONEY, rng):
        yield Example(question, answer, reference=answer)
