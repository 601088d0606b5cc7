"""JSON objects out of files: settings that may not be there, and keys that stand twice.

Of a key that stands twice JSON's readers silently keep the last value.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

LONGEST = 60
"""Characters of a value in a message."""


class RepeatedKeys(ValueError):
    """An object has a key more than once."""


def read_settings(file: Path) -> dict[str, Any] | None:
    """The object in a file of settings; None where there is none that can be read."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Makes an object of its keys and values; for ``json.loads(…, object_pairs_hook=…)``.

    Raises:
        RepeatedKeys: A key stands more than once; the message names each with its values.
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        repeated = [key for key, count in counts.items() if count > 1]
        said = "; ".join(
            f"{key!r}: {' and '.join(short(value) for name, value in pairs if name == key)}"
            for key in repeated
        )
        raise RepeatedKeys(f"a key stands more than once ({said}), and only one value can count")
    return made


def short(value: object) -> str:
    """A value as a message shows it."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
