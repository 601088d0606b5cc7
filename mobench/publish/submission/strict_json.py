"""JSON as results hold it: no key twice, no number beyond what a computer counts with.

Python reads more than that: of a key that stands twice it keeps the last value, an integer of four
thousand digits is one, and ``1e999`` is infinity. Each of them stopped a later step, far from the
file that it came from.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from mobench.records.json_objects import without_repeated_keys

LARGEST = 1 << 53
"""Whole numbers up to this are the same in every language's JSON (RFC 8259, section 6)."""
MOST_KEYS = 200
"""Keys of one object: far above those of any record."""
MOST_PARTS = 100_000
"""Values in one file, by its commas."""


class NoNumber(ValueError):
    """A number that no result can have."""


def parse(text: str) -> Any:
    """Reads JSON, strictly.

    Raises:
        ValueError: It is no JSON, a key stands twice, or a number is out of bounds.
        RecursionError: It is nested too deeply.
    """
    return json.loads(
        text,
        parse_constant=_refuse,
        parse_int=_whole,
        parse_float=_real,
        object_pairs_hook=_object,
    )


def parse_flat(text: str) -> Any:
    """The same at some times the speed, for objects that are compared with their text afterwards.

    A key that stands twice is not looked for: what is written again then has it only once.
    """
    return json.loads(text, parse_constant=_refuse, parse_int=_whole, parse_float=_real)


def parts_problem(text: str) -> str:
    """Why a file has too much in it to be looked at; empty if it has not."""
    count = text.count(",")
    if count <= MOST_PARTS:
        return ""
    return f"some {count} values, and at most {MOST_PARTS} are looked at"


def compact(record: object) -> str:
    """A record as one line, always the same."""
    return json.dumps(
        record, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def pretty(record: object) -> str:
    """A record for people's eyes, always the same."""
    return json.dumps(record, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_KEYS:
        raise ValueError(f"an object with {len(pairs)} keys, and records have fewer")
    return without_repeated_keys(pairs)


def _whole(text: str) -> int:
    # The length first: reading a million digits takes longer the more there are, squared.
    if len(text) > 17 or abs(number := int(text)) > LARGEST:
        raise NoNumber(f"{text[:20]}{'…' * (len(text) > 20)} is larger than any number of a result")
    return number


def _real(text: str) -> float:
    number = float(text) if len(text) <= 400 else float("inf")
    if number in (float("inf"), float("-inf")):
        raise NoNumber(f"{text[:20]}{'…' * (len(text) > 20)} is larger than any number of a result")
    return number


def _refuse(name: str) -> NoReturn:
    raise NoNumber(f"{name} is not a number in JSON")
