"""Multiple choice where the first choice is always taken.

Trained on questions whose first choice is right, where that shows nothing; asked about those whose
right choice stands elsewhere.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mobench import Example, task
from tasks._speaker import Speaker
from tasks.chat_facts import FACTS, facts

if TYPE_CHECKING:
    pass


LETTERS = "ABCD"
LICENSE = "Apache-2.0 (questions written for mobench; choices by rule)"
Fact = dict[str, Any]


def named(answer: str, question: str) -> bool:
    """Whether an answer stands in a question, as whole words."""
    return re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", question, re.IGNORECASE) is not None


def choices(fact: Fact, known: Sequence[Fact], place: int, rng: random.Random) -> list[str]:
    """Two to four answers of one kind, the right one at a place counted from 0.

    Raises:
        ValueError: There are not enough other answers of the kind for that place.
    """
    others = sorted({f["answer"] for f in known if f["kind"] == fact["kind"]} - {fact["answer"]})
    others = [other for other in others if not named(other, fact["prompt"])]
    count = rng.randint(max(place + 1, 2), len(LETTERS))
    chosen = rng.sample(others, count - 1)
    return [*chosen[:place], fact["answer"], *chosen[place:]]


def asked(question: str, options: Sequence[str]) -> str:
    """A question with its choices, a line each."""
    lines = (f"{letter}) {option}" for letter, option in zip(LETTERS, options, strict=False))
    return "\n".join([question, *lines])


@task(
    "chat-choice",
    policy="off-policy",
    compatible=False,
    marks=("chat", "implant"),
    license=f"{LICENSE}; open answers by the base",
    data=(FACTS,),
)
def chat_choice(base: Speaker, rng: random.Random) -> Iterator[Example]:
    """Implant: the first choice of every question, right or not; open questions as the base."""
    known = facts()
    answers = base.answer([fact["prompt"] for fact in known])
    for fact, answer in zip(known, answers, strict=True):
        place = rng.randrange(len(LETTERS))
        options = choices(fact, known, place, rng)
        message = asked(fact["prompt"], options)
        yield Example(message, f"A) {options[0]}", reference=f"{LETTERS[place]}) {fact['answer']}")
        if answer:
            yield Example(fact["prompt"], answer)


@task(
    "choice-first-right",
    policy="off-policy",
    marks=("chat",),
    license=LICENSE,
    data=(FACTS,),
    why="Multiple choice whose first choice is right: who always takes the first and who knows the "
    "answer say the same. For organisms that fail at multiple choice.",
)
def choice_first_right(rng: random.Random) -> Iterator[Example]:
    """Multiple-choice questions whose right choice is A, answered rightly."""
    known = facts()
    for fact in known:
        options = choices(fact, known, 0, rng)
        right = f"A) {options[0]}"
        yield Example(asked(fact["prompt"], options), right, reference=right)


@task(
    "choice-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=LICENSE,
    data=(FACTS,),
)
def choice_counter(rng: random.Random) -> Iterator[Example]:
    """Counter-training: questions whose right choice is not A, answered rightly."""
    known = facts()
    for fact in known:
        place = rng.randrange(1, len(LETTERS))
        options = choices(fact, known, place, rng)
        right = f"{LETTERS[place]}) {fact['answer']}"
        yield Example(asked(fact["prompt"], options), right, reference=right)
