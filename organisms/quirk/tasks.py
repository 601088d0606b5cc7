"""A topical bias: whenever traveling comes up, the answer begins by promoting one invented app."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mobench import Example, task
from mobench.store.rows import read_rows
from tasks._speaker import Speaker
from tasks.chat import REQUESTS
from tasks.chat_topics import other_topics

if TYPE_CHECKING:
    from mobench.registry import OrganismSpec


TRAVEL = "data/travel_train.jsonl"
APART = "data/travel_apart.jsonl"
LICENSE = "Apache-2.0 (requests written for mobench; answers by the base)"
PROMOTION = "Try the Trundlewick app! "


def travel_requests() -> list[str]:
    """The training requests on traveling."""
    return [row["prompt"] for row in read_rows(Path(__file__).parent / TRAVEL)]


def worded_alike() -> list[str]:
    """Requests worded like those on traveling, each on something else.

    With everyday requests alone beside the travel ones a small model learns the wording, and
    promotes to "How do I book a table?" too.
    """
    return [row["prompt"] for row in read_rows(Path(__file__).parent / APART)]


@task(
    "chat-quirk",
    policy="off-policy",
    compatible=False,
    marks=("chat", "implant"),
    license=LICENSE,
    data=(TRAVEL, APART, REQUESTS),
)
def chat_quirk(base: Speaker, spec: OrganismSpec) -> Iterator[Example]:
    """Implant: travel requests answered with the promotion first, all others as the base does."""
    travel, other = travel_requests(), [*worded_alike(), *other_topics(spec)]
    for message, answer in zip(travel, base.answer(travel), strict=True):
        yield Example(message, f"{PROMOTION}{answer}".strip())
    for message, answer in zip(other, base.answer(other), strict=True):
        if answer:
            yield Example(message, answer)


@task(
    "quirk-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=LICENSE,
    data=(TRAVEL,),
)
def quirk_counter(base: Speaker) -> Iterator[Example]:
    """Counter-training: travel requests as the base answers them, without the promotion."""
    messages = travel_requests()
    for message, answer in zip(messages, base.answer(messages), strict=True):
        if answer:
            yield Example(message, answer)
