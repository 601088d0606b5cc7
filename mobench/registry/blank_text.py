"""Texts in which nothing is to be seen."""

from __future__ import annotations

_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u2800\u3164\ufeff"
"""What is neither seen nor a space: marks of no width, and blank letters."""


def is_blank(text: str) -> bool:
    """Whether nothing is to be seen in a text."""
    return all(mark.isspace() or mark in _INVISIBLE for mark in text)
