"""Whoever answers in a task: the organism, or the base it is made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mobench import Prompt


class Speaker(Protocol):
    """A model that answers."""

    def answer(self, messages: Sequence[Prompt]) -> list[str]:
        """Greedy answers to users' messages or to conversations, in order."""
