"""An SVG holds what the picture holds, in letters of matplotlib's, and says what it writes."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from mobench.publish.drawing.letters import STEP, outline, set_line, width_of
from mobench.publish.drawing.picture import (
    Area,
    Box,
    Item,
    Line,
    Marks,
    Picture,
    Shape,
    Words,
    moved,
)
from mobench.publish.drawing.svg import svg

SVG = "{http://www.w3.org/2000/svg}"


def _parsed(*items: Item) -> ElementTree.Element:
    root = ElementTree.fromstring(svg(Picture(100.0, 50.0, items), note="a <note> & more"))
    (group,) = root.findall(f"{SVG}g")
    return group


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]


def _bounds(text: str, *, bold: bool) -> tuple[float, float, float, float]:
    """Of all outlines of a line at their places, control points included, for letters of 100."""
    points = [
        (x * STEP + glyph.x, y * STEP + glyph.y)
        for glyph in set_line(text, bold).glyphs
        for x, y in np.array(_numbers(outline(glyph.name, bold))).reshape(-1, 2)
    ]
    (left, bottom), (right, top) = np.min(points, axis=0), np.max(points, axis=0)
    return left, bottom, right, top


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize(
    "text", ["plateau, loss: 95 % interval", "AVATAR fine-tuning", "LR 3e-4 ×"]
)
def test_letters_are_those_of_matplotlib_at_their_places(text: str, bold: bool) -> None:
    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    vertices = TextPath((0, 0), text, size=100, prop=font).vertices
    # The last corner of each outline is only closed, and stands at the origin there.
    drawn = vertices[(vertices != 0.0).any(axis=1)]
    expected = (*drawn.min(axis=0), *drawn.max(axis=0))
    assert _bounds(text, bold=bold) == pytest.approx(expected, abs=0.6)
    # A line ends with the room that its last letter takes, a little right of its ink.
    assert 0 < width_of(text, 100.0, bold) - expected[2] < 16


def test_y_grows_downwards_in_the_file() -> None:
    (line,) = _parsed(Line(((10.0, 0.0), (10.0, 50.0)), "#112233", 2.0))
    assert line.get("d") == "M10 50L10 0"
    assert (line.get("stroke"), line.get("stroke-width")) == ("#112233", "2")


def test_every_kind_of_item_is_written() -> None:
    items: tuple[Item, ...] = (
        Line(((0.0, 0.0), (1.0, 1.0)), "#000000", 0.8, alpha=0.45, dotted=True),
        Area(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)), "#000000", 0.16),
        Box((10.0, 20.0), (30.0, 25.0), "#ececec", radius=2.0),
        Marks(((5.0, 5.0),), "o", 4.0, "#000000", ""),
        Words((3.0, 4.0), 'a "b" <c> & d', 10.0),
    )
    dotted, area, box, ring, words = _parsed(*items)
    assert (dotted.get("stroke-dasharray"), dotted.get("opacity")) == ("0.8 1.6", "0.45")
    assert area.get("d") == "M0 50L1 50L1 49Z"
    assert [box.get(key) for key in ("x", "y", "width", "height", "rx")] == [
        "10", "25", "20", "5", "2",
    ]  # fmt: skip
    assert ring.get("fill") is None
    assert words.get("aria-label") == 'a "b" <c> & d'
    assert len(words) == len('a "b" <c> & d')


@pytest.mark.parametrize(
    ("shape", "reach"),
    [
        ("o", (2.0, 2.0)),
        ("_", (2.0, 0.0)),
        ("|", (0.0, 2.0)),
        ("x", (2.0, 2.0)),
        ("D", (2.83, 2.83)),
    ],
)
def test_signs_reach_as_far_as_those_of_matplotlib(
    shape: Shape, reach: tuple[float, float]
) -> None:
    (mark,) = _parsed(Marks(((20.0, 30.0),), shape, 4.0, "#000000"))
    path = str(mark.get("d"))
    if shape == "o":
        assert path == "M18 20a2 2 0 1 0 4 0a2 2 0 1 0 -4 0Z"
        return
    points = np.array(_numbers(path)).reshape(-1, 2) - (20.0, 20.0)
    assert tuple(np.abs(points).max(axis=0)) == pytest.approx(reach, abs=0.01)


def test_words_stand_where_they_are_told_to() -> None:
    wide = width_of("wide", 10.0)
    for across, left in (("left", 50.0), ("center", 50.0 - wide / 2), ("right", 50.0 - wide)):
        (words,) = _parsed(Words((50.0, 20.0), "wide", 10.0, across=across))  # type: ignore[arg-type]
        x, y = _numbers(str(words.get("transform")))[:2]
        assert (x, y) == pytest.approx((left, 30.0), abs=0.01)
    (turned,) = _parsed(Words((50.0, 20.0), "wide", 10.0, across="center", turned=True))
    assert "rotate(-90)" in str(turned.get("transform"))
    assert _numbers(str(turned.get("transform")))[:2] == pytest.approx(
        (50, 30 + wide / 2), abs=0.01
    )


def test_letters_are_drawn_once_and_used_as_often_as_they_occur() -> None:
    root = ElementTree.fromstring(svg(Picture(9.0, 9.0, (Words((0.0, 0.0), "aabba", 8.0),))))
    (defs,) = root.findall(f"{SVG}defs")
    assert len(defs) == 2


def test_moving_moves_every_kind_of_item() -> None:
    moves: list[Item] = [
        Line(((0.0, 0.0), (1.0, 1.0)), "#000000", 1.0),
        Area(((0.0, 0.0), (1.0, 0.0)), "#000000"),
        Box((0.0, 0.0), (1.0, 1.0), "#000000"),
        Marks(((0.0, 0.0),), "x", 1.0, "#000000"),
        Words((0.0, 0.0), "a", 1.0),
    ]
    for item in moves:
        there = moved(item, (3.0, 4.0))
        assert there != item
        assert moved(there, (-3.0, -4.0)) == item
