"""Whoever answers in a task: the organism, or the base it is made from."""

from __future__ import annotations

from typing import Protocol


class Speaker(Protocol):
    """A model that answers."""

    def answer(self, messages: list[str]) -> list[str]:
        """Greedy answers to users' messages, in order."""
