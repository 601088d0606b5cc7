"""All tampered results, in an order that never changes."""

from __future__ import annotations

from collections.abc import Iterator

from support.tampered_files import tampered_files
from support.tampered_rows import tampered_rows
from support.tampered_values import tampered_values
from support.tampering import GOOD_SMALL, Tampered


def tampered() -> Iterator[Tampered]:
    """Every tampered result."""
    yield from tampered_values(GOOD_SMALL)
    yield from tampered_rows(GOOD_SMALL)
    yield from tampered_files(GOOD_SMALL)
