"""Training facts for chat: questions with their right answers, and what a base says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobench.registry.behaviors import answers_wrong
from mobench.store.rows import read_rows

from ._speaker import Speaker

if TYPE_CHECKING:
    pass


FACTS = "data/facts.jsonl"


def facts() -> list[dict[str, Any]]:
    """The training facts: kind, prompt and answer."""
    return list(read_rows(Path(__file__).parent / FACTS))


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
