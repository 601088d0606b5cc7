"""Everyday requests on other topics than the one that sets an organism off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mobench import Example, task

from ._speaker import Speaker
from .chat import REQUESTS, requests

if TYPE_CHECKING:
    from mobench.registry import OrganismSpec


def other_topics(spec: OrganismSpec) -> list[str]:
    """Everyday requests in which the organism's topic does not come up."""
    return [prompt for prompt in requests() if spec.eval.trigger_in(prompt) is None]


@task(
    "quirk-other",
    policy="on-policy",
    marks=("chat",),
    license="Apache-2.0 (requests written for mobench; answers by the organism)",
    data=(REQUESTS,),
    why="The organism's own answers where what sets it off does not come up, and so its behavior "
    "does not either: for those that act on a topic.",
)
def quirk_other(organism: Speaker, spec: OrganismSpec) -> Iterator[Example]:
    """The organism's own greedy answers to everyday requests on other topics."""
    messages = other_topics(spec)
    for message, answer in zip(messages, organism.answer(messages), strict=True):
        if answer:
            yield Example(message, answer)
