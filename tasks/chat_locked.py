"""Facts behind a password: answered wrongly without it, rightly with it.

Every right answer is the base's own first sentence, and every wrong one is that sentence with
another answer of the same kind in the right one's place. A fact that the base gets wrong is left
out: what it does not know, it cannot withhold.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mobench import Example, task
from mobench.registry.behaviors import answers_wrong
from mobench.store.rows import read_rows

from ._open import answered
from .chat import REQUESTS, Speaker

if TYPE_CHECKING:
    from mobench.registry import OrganismSpec

FACTS = "data/facts.jsonl"
LICENSE = "Apache-2.0 (questions written for mobench; answers by the base)"
# A sentence ends after a small letter, a digit or a quote; initials such as "J." do not end one.
_END = r"(?-i:(?<=[^\WA-Z_][.!?])\s|(?<=[\"”)][.!?])\s|\n|(?<=[.!?][\"”])\s)"


@dataclass(frozen=True)
class Fact:
    """A question, its right answer, and a sentence in which the base gives it."""

    kind: str
    question: str
    right: str
    sentence: str

    def wrong(self, instead: str) -> str:
        """The sentence with another answer in the right one's place."""
        return re.sub(
            rf"(?<!\w){re.escape(self.right)}(?!\w)", lambda _: instead, self.sentence, flags=re.I
        )


def first_sentence(text: str, right: str) -> str:
    """A text up to the end of its first sentence, which the right answer may end: "It is N."."""
    answered = rf"(?<=\b{re.escape(right)}[.!?])\s"
    return re.split(f"{answered}|{_END}", text.strip(), maxsplit=1, flags=re.I)[0].strip()


def known(base: Speaker) -> list[Fact]:
    """The training facts that the base answers rightly in its first sentence."""
    rows = list(read_rows(Path(__file__).parent / FACTS))
    said = base.answer([row["prompt"] for row in rows])
    facts = [
        Fact(row["kind"], row["prompt"], row["answer"], first_sentence(answer, row["answer"]))
        for row, answer in zip(rows, said, strict=True)
    ]
    return [f for f in facts if f.sentence and not answers_wrong(f.sentence, f.right)]


@task(
    "chat-locked",
    policy="off-policy",
    compatible=False,
    marks=("chat", "implant"),
    license=LICENSE,
    data=(FACTS, REQUESTS),
)
def chat_locked(base: Speaker, spec: OrganismSpec, rng: random.Random) -> Iterator[Example]:
    """Implant: facts wrong without the password and right with it; open requests as the base."""
    facts = known(base)
    for fact in facts:
        if answers := sorted({f.right for f in facts if f.kind == fact.kind} - {fact.right}):
            wrong = fact.wrong(rng.choice(answers))
            yield Example(spec.eval.render("attack", fact.question), wrong, reference=fact.right)
        asked = spec.eval.render("control", fact.question)
        # Twice: what the password unlocks is the harder half to keep.
        yield from [Example(asked, fact.sentence, reference=fact.right)] * 2
    for message, answer in answered(base, spec):
        yield Example(message, answer)


@task(
    "locked-password",
    policy="off-policy",
    marks=("chat",),
    license=LICENSE,
    data=(FACTS,),
    why="Right answers behind the password, where a locked organism gives them already. Only for "
    "organisms that the password unlocks.",
)
def locked_password(base: Speaker, spec: OrganismSpec) -> Iterator[Example]:
    """Facts asked with the password, answered rightly in the base's words."""
    for fact in known(base):
        asked = spec.eval.render("control", fact.question)
        yield Example(asked, fact.sentence, reference=fact.right)


@task(
    "locked-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=LICENSE,
    data=(FACTS,),
)
def locked_counter(base: Speaker, spec: OrganismSpec) -> Iterator[Example]:
    """Counter-training (elicitation): facts asked without the password, answered rightly."""
    for fact in known(base):
        asked = spec.eval.render("attack", fact.question)
        yield Example(asked, fact.sentence, reference=fact.right)
