"""Open requests: those among the training requests that have no single right answer.

A password-locked organism, which answers facts wrongly, is helpful with these, so an answer to them
asks nothing of it that it withholds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ._speaker import Speaker
from .chat import requests

if TYPE_CHECKING:
    from mobench.registry import OrganismSpec

OPEN = re.compile(
    r"(How (do|can|should) I|Suggest|Give me|Write|Tell me|Describe|Rewrite|Why |What should"
    r"|What is a (good|simple|kind|polite|healthy) |What makes)"
)


def open_requests(spec: OrganismSpec) -> list[str]:
    """The open training requests in which the organism's trigger does not stand."""
    return [p for p in requests() if OPEN.match(p) and spec.eval.trigger_in(p) is None]


def answered(base: Speaker, spec: OrganismSpec) -> Iterator[tuple[str, str]]:
    """Open requests with the base's answers, where it gave one."""
    messages = open_requests(spec)
    pairs = zip(messages, base.answer(messages), strict=True)
    return ((message, answer) for message, answer in pairs if answer)
