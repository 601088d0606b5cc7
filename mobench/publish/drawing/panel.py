"""A panel of a picture: two axes with ticks, and where a number lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mobench.publish.drawing.picture import Item, Line, Point, TextLine
from mobench.publish.drawing.style import EDGE, LETTERS, SMALL, SOFT

#: Rates are shown from a little below 0 to a little above 1.
BOTTOM, TOP = -0.05, 1.05
RATES = ((0.0, "0"), (0.5, "0.5"), (1.0, "1"))
"""Rates that have a tick, and how they are written."""

_TICK = 2.5
_PAD = 2.0
_LABEL_OFF = 22.5  # from the axis to the base line of its label


@dataclass(frozen=True)
class Panel:
    """A rectangle in which rates are drawn over something.

    Attributes:
        left: Its left edge, in points.
        bottom: Its lower edge.
        width: In points.
        height: In points.
        start: What the left edge stands for.
        end: What the right edge stands for.
    """

    left: float
    bottom: float
    width: float
    height: float
    start: float
    end: float

    @property
    def right(self) -> float:
        """Its right edge, in points."""
        return self.left + self.width

    @property
    def top(self) -> float:
        """Its upper edge, in points."""
        return self.bottom + self.height

    def x(self, value: float) -> float:
        """Where a value lies across, in points."""
        return self.left + self.width * (value - self.start) / (self.end - self.start)

    def y(self, rate: float) -> float:
        """Where a rate lies, in points; one beyond the panel lies on its edge."""
        inside = min(max(rate, BOTTOM), TOP)
        return self.bottom + self.height * (inside - BOTTOM) / (TOP - BOTTOM)

    def at(self, xs: Sequence[float], rates: Sequence[float]) -> tuple[Point, ...]:
        """Where rates lie over values."""
        return tuple((self.x(x), self.y(rate)) for x, rate in zip(xs, rates, strict=True))

    def across(self, rate: float, color: str) -> Line:
        """A dotted line at a rate."""
        y = self.y(rate)
        return Line(((self.left, y), (self.right, y)), color, 0.8, dotted=True)

    def axes(
        self,
        ticks: Sequence[tuple[float, str]],
        *,
        labeled: bool = True,
        rates: Sequence[tuple[float, str]] = RATES,
    ) -> tuple[Item, ...]:
        """Both axes with their ticks.

        Args:
            ticks: Values across and how they are written; an empty text leaves a tick bare.
            labeled: Whether the ticks of the rates are written too.
            rates: The same of the other axis, whose ends are always 0 and 1.
        """
        items: list[Item] = [
            Line(((self.left, self.bottom), (self.left, self.top)), EDGE, 0.7),
            Line(((self.left, self.bottom), (self.right, self.bottom)), EDGE, 0.7),
        ]
        low = self.bottom - _TICK
        for value, text in ticks:
            x = self.x(value)
            items.append(Line(((x, low), (x, self.bottom)), SOFT, 0.7))
            if text:
                at = (x, low - _PAD)
                items.append(TextLine(at, text, SMALL, SOFT, across="center", along="top"))
        left = self.left - _TICK
        for rate, text in rates:
            y = self.y(rate)
            items.append(Line(((left, y), (self.left, y)), SOFT, 0.7))
            if labeled:
                at = (left - _PAD, y)
                items.append(TextLine(at, text, SMALL, SOFT, across="right", along="middle"))
        return tuple(items)

    def label(self, text: str, color: str) -> TextLine:
        """What the rates are of, written along their axis."""
        at = (self.left - _LABEL_OFF, (self.bottom + self.top) / 2)
        return TextLine(at, text, LETTERS, color, bold=True, across="center", turned=True)
