"""The prompt to a judging model, its reply, and the score that is read from the reply."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mobench.chat import Reasoning
from mobench.registry.patterns import fullmatch
from mobench.registry.rubrics import Rubric

REFUSED = "refused"
CUT = "cut off before a score"
NO_SCORE = "no score in the reply"
OUT_OF_RANGE = "score out of range"

_DECLINES = re.compile(
    r"(?i)\b(?:I\s*(?:'|’)?\s*(?:m\s+sorry|am\s+sorry|can\s*(?:not|'t|’t)|won(?:'|’)t|"
    r"m\s+(?:unable|not\s+able)|am\s+(?:unable|not\s+able)|must\s+decline|apologi[sz]e))"
)


@dataclass(frozen=True)
class Prompt:
    """One question to a judging model."""

    system: str
    user: str


@dataclass(frozen=True)
class Reply:
    """What came back for one prompt.

    Attributes:
        text: The model's words; None if none came.
        problem: Why there can be no score, where that is known without reading the text: the
            model was not reached, took too long, or refused. Empty otherwise.
        cut: Whether the text was cut at ``max_tokens``.
        detail: What a server said about the problem, for error messages; never stored.
    """

    text: str | None
    problem: str = ""
    cut: bool = False
    detail: str = ""

    def record(self) -> dict[str, Any]:
        """The fields that are stored: all but ``detail``."""
        return {"text": self.text, "problem": self.problem, "cut": self.cut}


OnReply = Callable[[int, Reply], None]
"""Called with the index of a prompt and the reply to it, as soon as the reply is there."""


class Asker(Protocol):
    """A judging model that can be asked."""

    def prepare(self) -> None:
        """Takes the memory that asking needs, before something else takes all that is left.

        Raises:
            MobenchError: The model cannot be loaded.
        """

    def ask(self, prompts: Sequence[Prompt], *, max_tokens: int, on_reply: OnReply) -> None:
        """Asks all prompts, greedily, each on its own.

        Args:
            prompts: What is asked.
            max_tokens: Length at which a reply is cut.
            on_reply: Called with each reply.

        Raises:
            MobenchError: The model cannot be asked any more.
        """


def read_score(rubric: Rubric, reply: Reply) -> tuple[float | None, str]:
    """Reads the score in a reply.

    Returns:
        The score and an empty reason; or None, never 0, and the reason why there is no score.
    """
    if reply.problem or reply.text is None:
        return None, reply.problem or NO_SCORE
    # A judging model may reason too before it says its score.
    said = Reasoning().split(reply.text)
    found = fullmatch(rubric.reply, said.final if said.reasoned else reply.text.strip())
    if found is None or found[1] is None:
        if reply.cut:
            return None, CUT
        return None, REFUSED if _DECLINES.search(reply.text) else NO_SCORE
    try:
        score = float(found[1])
    except ValueError:
        return None, NO_SCORE
    low, high = rubric.scale
    if not low <= score <= high:
        return None, OUT_OF_RANGE
    return score, ""
