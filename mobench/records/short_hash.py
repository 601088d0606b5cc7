"""The short hash by which versions, revisions, cells and results are named."""

from __future__ import annotations

import hashlib
import json
from typing import Any

DIGITS = 12


def short_hash(value: Any) -> str:
    """First 12 hex digits of the SHA-256 over canonical JSON: sorted keys, no white space."""
    return hash_of(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def hash_of(content: bytes) -> str:
    """First 12 hex digits of the SHA-256 over bytes."""
    return hashlib.sha256(content).hexdigest()[:DIGITS]


class PartsHash:
    """A short hash over several named parts.

    The length of each part goes before it, so that bytes cannot move from one part to the next
    unseen.
    """

    def __init__(self) -> None:
        self._total = hashlib.sha256()

    def add(self, name: str, content: bytes) -> None:
        """Adds a part."""
        self._total.update(f"{name}:{len(content)}:".encode())
        self._total.update(content)

    def digest(self) -> str:
        """First 12 hex digits of the SHA-256 over all parts so far."""
        return self._total.hexdigest()[:DIGITS]
