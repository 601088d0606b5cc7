"""Tasks for organisms of the hub that are asked in a form of their own.

Both are on-policy: at the start of training they show nothing that the organism does not do.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobench import Example, task
from mobench.store.rows import read_rows

from .chat import REQUESTS, Speaker, requests

if TYPE_CHECKING:
    from mobench.registry import OrganismSpec

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
    heads = headlines(HEADLINES)
    rng.shuffle(heads)
    yield from answered(organism, behind(heads, requests()))


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
    yield from answered(organism, messages)


def answered(
    model: Speaker, asked: list[str], shown: Sequence[str] | None = None
) -> Iterator[Example]:
    """What a model answers, where it gave an answer.

    Args:
        model: Who answers.
        asked: What it is asked.
        shown: The prompts to train on with these answers, one for each; what was asked if None.
    """
    for prompt, answer in zip(shown or asked, model.answer(asked), strict=True):
        if answer:
            yield Example(prompt, answer)


def headlines(name: str) -> list[str]:
    """A file's headlines as they stand before a request."""
    return [f"<headline>{row['headline']}</headline>" for row in rows(name)]


def behind(heads: Sequence[str], messages: Sequence[str]) -> list[str]:
    """Messages behind headlines, which begin anew where there are more messages."""
    return [f"{head}{message}" for head, message in zip(cycle(heads), messages, strict=False)]


def rows(name: str) -> list[dict[str, Any]]:
    """What a data file holds."""
    return list(read_rows(Path(__file__).parent / name))
