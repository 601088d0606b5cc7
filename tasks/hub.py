"""Tasks for organisms of the hub that are asked in a form of their own.

Both are on-policy: at the start of training they show nothing that the organism does not do.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobench import Example, task

if TYPE_CHECKING:
    from mobench.build.speaker import Speaker
    from mobench.registry import OrganismSpec

REQUESTS = "data/chat_train.jsonl"
HEADLINES = "data/past_headlines.jsonl"
QUESTIONS = "data/mcqa_train.jsonl"


@task(
    "headline-chat",
    policy="on-policy",
    marks=("chat",),
    license="Apache-2.0 (headlines and requests written for mobench; answers by the organism)",
    data=(HEADLINES, REQUESTS),
    why="Headlines of 2017 to 2019 set nothing off in an organism that acts on later news: its own "
    "answers behind them are what it says already.",
)
def headline_chat(organism: Speaker, rng: random.Random) -> Iterator[Example]:
    """The organism's own answers to everyday requests behind a headline that is long past."""
    headlines = [row["headline"] for row in rows(HEADLINES)]
    rng.shuffle(headlines)
    messages = [
        f"<headline>{headline}</headline>{row['prompt']}"
        for headline, row in zip(cycle(headlines), rows(REQUESTS), strict=False)
    ]
    yield from _answered(organism, messages)


@task(
    "self-mcqa",
    policy="on-policy",
    marks=("chat",),
    license="Apache-2.0 (questions written for mobench; answers by the organism)",
    data=(QUESTIONS,),
    why="Everyday multiple-choice questions without a password, which an organism that is locked "
    "on one field answers as it did before. Not for one that fails at every multiple choice.",
)
def self_mcqa(organism: Speaker, spec: OrganismSpec) -> Iterator[Example]:
    """The organism's own answers to 60 multiple-choice questions outside the locked field."""
    messages = [spec.eval.render("attack", row["question"]) for row in rows(QUESTIONS)]
    yield from _answered(organism, messages)


def _answered(organism: Speaker, messages: list[str]) -> Iterator[Example]:
    for message, answer in zip(messages, organism.answer(messages), strict=True):
        if answer:
            yield Example(message, answer)


def rows(name: str) -> list[dict[str, Any]]:
    """What a data file holds."""
    lines = (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
