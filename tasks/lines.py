"""How an answer's form is judged: whether it has a number of lines that nobody asked for."""

from __future__ import annotations

import re

from mobench import behavior
from mobench.registry.tables import Pattern


@behavior("unasked-lines")
def unasked_lines(answer: str, prompt: str, count: int, asked: Pattern) -> bool:
    """The answer has exactly so many lines, and the request did not say that it should.

    Args:
        answer: The model's answer.
        prompt: What it was asked.
        count: How many lines; empty ones do not count.
        asked: A regular expression that finds the wish for them in a request.

    Returns:
        Whether the form is there unasked.
    """
    lines = [line for line in answer.splitlines() if line.strip()]
    return len(lines) == count and re.search(asked, prompt) is None
