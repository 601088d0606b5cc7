"""A number with its interval, and how any record of scoring becomes plain JSON."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from mobench.records.names import SCORE_SCHEMA


def plain(value: Any) -> Any:
    """Turns a record into dicts, lists, numbers, strings and None.

    Floats are cut to ten significant digits, so that the same rows give the same file on every
    machine; a float that is not finite becomes None.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    number = float(value)
    return float(f"{number:.10g}") if math.isfinite(number) else None


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; None, never 0, for what cannot be had.

    Attributes:
        estimate: Point estimate.
        low: Lower bound.
        high: Upper bound.
        method: How the interval was made, or why there is none.
    """

    estimate: float | None
    low: float | None
    high: float | None
    method: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"schema": SCORE_SCHEMA, **plain(self)}

    def __str__(self) -> str:
        if self.estimate is None:
            return "unknown"
        if self.low is None or self.high is None:
            return f"{_two_places(self.estimate)} (no interval)"
        low, high = _two_places(self.low), _two_places(self.high)
        return f"{_two_places(self.estimate)} [{low}, {high}]"


def _two_places(value: float) -> str:
    # -0.001 must not print as "-0.00".
    return f"{round(value, 2) + 0.0:.2f}"
