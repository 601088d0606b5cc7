"""A picture as a list of what is drawn, before anybody has decided what file it becomes.

Places and sizes are in points (1/72 inch), from the lower left corner. What comes first in the list
lies below what comes later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from mobench.publish.drawing.style import INK

Point = tuple[float, float]
#: Disk, diamond, horizontal bar, vertical bar, cross: as matplotlib calls them.
Shape = Literal["o", "D", "_", "|", "x"]


@dataclass(frozen=True)
class Line:
    """A line through points.

    Attributes:
        points: At least two.
        color: ``#rrggbb``.
        width: In points.
        alpha: Opacity in [0, 1].
        dotted: Drawn as dots of its own width, twice that apart.
    """

    points: tuple[Point, ...]
    color: str
    width: float
    alpha: float = 1.0
    dotted: bool = False


@dataclass(frozen=True)
class Area:
    """A filled polygon without an outline."""

    points: tuple[Point, ...]
    color: str
    alpha: float = 1.0


@dataclass(frozen=True)
class Box:
    """A filled rectangle without an outline.

    Attributes:
        low: Its lower left corner.
        high: Its upper right corner.
        color: ``#rrggbb``.
        radius: Of its corners.
    """

    low: Point
    high: Point
    color: str
    radius: float = 0.0


@dataclass(frozen=True)
class Marks:
    """The same sign at one or more places.

    Attributes:
        points: Where.
        shape: Which sign.
        size: Width of the sign; of a diamond, the length of its side.
        color: Of its outline and, unless there is a ``face``, of its inside.
        face: Color of the inside; ``""`` leaves it open.
        width: Of its outline.
        alpha: Opacity in [0, 1].
    """

    points: tuple[Point, ...]
    shape: Shape
    size: float
    color: str
    face: str | None = None
    width: float = 1.0
    alpha: float = 1.0


@dataclass(frozen=True)
class TextLine:
    """One line of text.

    Attributes:
        at: Where.
        text: What it says.
        size: Height of the font.
        color: ``#rrggbb``.
        bold: Whether in bold.
        across: Which part of the text lies at the place, along the line.
        along: The same across the line: ``base``, or the bottom, middle or top of its letters.
        turned: Whether it runs upwards.
    """

    at: Point
    text: str
    size: float
    color: str = INK
    bold: bool = False
    across: Literal["left", "center", "right"] = "left"
    along: Literal["base", "bottom", "middle", "top"] = "base"
    turned: bool = False

    @property
    def origin(self) -> Point:
        """Where the base line lies, at the same place along the line."""
        # Of DejaVu Sans, in shares of its height: an l rises to 0.76, a p falls to 0.21.
        up = {"base": 0.0, "bottom": 0.21, "middle": -0.275, "top": -0.76}[self.along] * self.size
        x, y = self.at
        return (x - up, y) if self.turned else (x, y + up)


Item = Line | Area | Box | Marks | TextLine


@dataclass(frozen=True)
class Picture:
    """Everything that is drawn.

    Attributes:
        width: In points.
        height: In points.
        items: From the lowest to the topmost.
    """

    width: float
    height: float
    items: tuple[Item, ...]


def moved(item: Item, by: Point) -> Item:
    """The same item somewhere else."""
    if isinstance(item, Box):
        return replace(item, low=_sum(item.low, by), high=_sum(item.high, by))
    if isinstance(item, TextLine):
        return replace(item, at=_sum(item.at, by))
    return replace(item, points=tuple(_sum(point, by) for point in item.points))


def _sum(point: Point, by: Point) -> Point:
    return point[0] + by[0], point[1] + by[1]
