"""The legend below a picture, and the badge that marks what is usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mobench.publish.drawing.picture import Box, Item, Line, Point, TextLine, moved
from mobench.publish.drawing.style import INK, SMALL
from mobench.publish.drawing.text_width import text_width

#: A sample is drawn from 0 to this, around a height of 0.
SAMPLE = 15.0

_TEXT_OFF = 3.75
_COLUMN_GAP = 10.5
_ROW = 11.6
_BADGE_PAD = 1.9


@dataclass(frozen=True)
class Key:
    """One line of a legend.

    Attributes:
        text: What it says.
        sample: What it stands beside, drawn in a strip of width ``SAMPLE`` around a height of 0.
    """

    text: str
    sample: tuple[Item, ...]


def stroke(
    color: str,
    width: float,
    *,
    alpha: float = 1.0,
    dotted: bool = False,
    part: tuple[float, float] = (0.0, SAMPLE),
) -> Line:
    """A piece of a line, as a sample."""
    return Line(((part[0], 0.0), (part[1], 0.0)), color, width, alpha, dotted)


def patch(color: str) -> Box:
    """A piece of an area, as a sample."""
    return Box((0.0, -SMALL * 0.35), (SAMPLE, SMALL * 0.35), color)


def legend(keys: Sequence[Key], *, middle: float, bottom: float, columns: int) -> list[Item]:
    """Draws a legend, filled column by column.

    Args:
        keys: What to explain.
        middle: Where its middle lies.
        bottom: Where its lower edge lies.
        columns: How many columns it has at most.
    """
    parts = _columns(keys, columns)
    longest = [max(text_width(key.text, SMALL) for key in part) for part in parts]
    widths = [SAMPLE + _TEXT_OFF + text for text in longest]
    rows = max(map(len, parts))
    x = middle - (sum(widths) + _COLUMN_GAP * (len(widths) - 1)) / 2
    items: list[Item] = []
    for part, width in zip(parts, widths, strict=True):
        for row, key in enumerate(part):
            y = bottom + _ROW * (rows - row - 0.5)
            items += [moved(item, (x, y)) for item in key.sample]
            items.append(TextLine((x + SAMPLE + _TEXT_OFF, y), key.text, SMALL, along="middle"))
        x += width + _COLUMN_GAP
    return items


def badge(text: str, at: Point, *, across: Literal["center", "right"]) -> tuple[Item, ...]:
    """White words on a dark ground.

    Args:
        text: The words.
        at: Where the ground's lower edge lies.
        across: Which part of that edge lies there.
    """
    x, y = at
    width = text_width(text, SMALL) + 2 * _BADGE_PAD
    left = x - (width if across == "right" else width / 2)
    ground = Box((left, y), (left + width, y + SMALL + 2 * _BADGE_PAD), INK, radius=_BADGE_PAD)
    place = (left + width / 2, y + _BADGE_PAD)
    return ground, TextLine(place, text, SMALL, "#ffffff", across="center", along="bottom")


def _columns(keys: Sequence[Key], most: int) -> list[Sequence[Key]]:
    """The keys in columns as equal as can be, the longer ones first."""
    short, more = divmod(len(keys), most)
    columns, start = [], 0
    for column in range(min(most, len(keys))):
        end = start + short + (column < more)
        columns.append(keys[start:end])
        start = end
    return columns
