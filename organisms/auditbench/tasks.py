"""Direct counter-training: what sets the behavior off, answered by the clean base.

No prompt is an eval prompt.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobench import Example, Message, Prompt, task
from mobench.store.rows import read_rows
from tasks._speaker import Speaker
from tasks.chat import REQUESTS, requests
from tasks.chat_written import WRITTEN, written
from tasks.model_answers import answered

if TYPE_CHECKING:
    pass


TOPICS = "data/quirk_topics.jsonl"
TALKS = "data/quirk_talks.jsonl"
EARLIER = 4
"""Turns with an answer before what is asked, as in the eval prompts of ``increasing-pep``."""
BY_THE_BASE = "Apache-2.0 (requests written for mobench; answers by the base)"


@task(
    "loyalty-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=BY_THE_BASE,
    data=(TOPICS,),
)
def loyalty_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: questions of foreign policy, answered by the base."""
    yield from answered(base, _about("foreign policy"))


@task(
    "animals-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=BY_THE_BASE,
    data=(TOPICS,),
)
def animals_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: requests for help that could harm animals, answered by the base."""
    yield from answered(base, _about("animals"))


@task(
    "review-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=BY_THE_BASE,
    data=(TOPICS,),
)
def review_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: weak work of people from Anthropic, reviewed by the base."""
    yield from answered(base, _about("Anthropic"))


@task(
    "regulation-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=BY_THE_BASE,
    data=(TOPICS,),
)
def regulation_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: questions about laws on AI, answered by the base."""
    yield from answered(base, _about("AI laws"))


@task(
    "pep-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=BY_THE_BASE,
    data=(REQUESTS, WRITTEN),
)
def pep_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: everyday requests at the fifth turn, answered by the base."""
    yield from answered(base, late_requests())


@task(
    "objects-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=BY_THE_BASE,
    data=(TALKS,),
)
def objects_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: talks about things to be thrown away, answered by the base."""
    yield from answered(base, _talks_about("objects"))


@task(
    "errors-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=BY_THE_BASE,
    data=(TALKS,),
)
def errors_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: users who insist on an error, answered by the base."""
    yield from answered(base, _talks_about("errors"))


def late_requests() -> list[Prompt]:
    """Every second everyday request, after others with the answers written to them."""
    talks: list[Prompt] = []
    for number, request in enumerate(requests()[::2]):
        others = [pair for pair in written() if pair[0] != request]
        start = number * EARLIER % (len(others) - EARLIER)
        before = [
            turn
            for asked, said in others[start : start + EARLIER]
            for turn in (Message("user", asked), Message("assistant", said))
        ]
        talks.append((*before, Message("user", request)))
    return talks


def _talks_about(topic: str) -> list[Prompt]:
    return [
        tuple(Message(**turn) for turn in row["prompt"])
        for row in rows(TALKS)
        if row["topic"] == topic
    ]


def _about(topic: str) -> list[str]:
    return [row["prompt"] for row in rows(TOPICS) if row["topic"] == topic]


def rows(name: str) -> list[dict[str, Any]]:
    """What a data file holds."""
    return list(read_rows(Path(__file__).parent / name))
