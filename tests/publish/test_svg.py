"""An SVG holds what the picture holds, and its text as text."""

from __future__ import annotations

import re
from typing import Literal
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.ft2font import FT2Font, LoadFlags

from mobench.publish.drawing.picture import (
    Area,
    Box,
    Item,
    Line,
    Marks,
    Picture,
    Shape,
    TextLine,
    moved,
)
from mobench.publish.drawing.svg import svg
from mobench.publish.drawing.text_width import text_width

SVG = "{http://www.w3.org/2000/svg}"


def _parsed(*items: Item) -> ElementTree.Element:
    root = ElementTree.fromstring(svg(Picture(100.0, 50.0, items), note="a <note> & more"))
    (group,) = root.findall(f"{SVG}g")
    return group


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]


@pytest.mark.parametrize("character", [*map(chr, range(32, 127)), "×", "\N{NARROW NO-BREAK SPACE}"])
def test_a_character_is_as_wide_as_in_dejavu_sans(character: str) -> None:
    font = FT2Font(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf")
    font.set_size(1000, 72)
    glyph = font.load_char(ord(character), flags=LoadFlags.NO_HINTING)
    assert text_width(character, 1000.0) == pytest.approx(glyph.linearHoriAdvance / 65536, abs=0.5)


def test_a_text_is_as_wide_as_its_characters_and_an_unknown_one_is_given_room() -> None:
    assert text_width("LR 1e-3", 7.5) == pytest.approx(sum(text_width(c, 7.5) for c in "LR 1e-3"))
    assert text_width("字", 10.0) == text_width("@", 10.0) == 10.0


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
        TextLine((3.0, 4.0), 'a "b" <c> & d', 10.0),
    )
    dotted, area, box, ring, text = _parsed(*items)
    assert (dotted.get("stroke-dasharray"), dotted.get("opacity")) == ("0.8 1.6", "0.45")
    assert area.get("d") == "M0 50L1 50L1 49Z"
    assert [box.get(key) for key in ("x", "y", "width", "height", "rx")] == [
        "10", "25", "20", "5", "2",
    ]  # fmt: skip
    assert ring.get("fill") is None
    assert text.text == 'a "b" <c> & d'


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


@pytest.mark.parametrize(
    ("across", "anchor"), [("left", None), ("center", "middle"), ("right", "end")]
)
def test_text_is_placed_by_its_own_middle_or_end_whatever_its_font(
    across: Literal["left", "center", "right"], anchor: str | None
) -> None:
    (text,) = _parsed(TextLine((50.0, 20.0), "wide", 10.0, across=across))
    assert (text.tag, text.get("x"), text.get("y")) == (f"{SVG}text", "50", "30")
    assert text.get("text-anchor") == anchor


def test_text_has_size_weight_and_direction() -> None:
    plain, bold, turned = _parsed(
        TextLine((1.0, 20.0), "a", 8.5, "#6b6b6b"),
        TextLine((1.0, 20.0), "a", 8.5, bold=True),
        TextLine((10.0, 20.0), "a", 8.5, turned=True),
    )
    assert (plain.get("font-size"), plain.get("fill")) == ("8.5", "#6b6b6b")
    assert (plain.get("font-weight"), plain.get("transform")) == (None, None)
    assert bold.get("font-weight") == "bold"
    assert turned.get("transform") == "rotate(-90 10 30)"


def test_the_font_is_named_once_with_what_may_stand_in_and_drawn_precisely() -> None:
    root = ElementTree.fromstring(svg(Picture(9.0, 9.0, (TextLine((0.0, 0.0), "a", 8.0),))))
    (group,) = root.findall(f"{SVG}g")
    assert group.get("font-family") == "DejaVu Sans, Verdana, sans-serif"
    assert group.get("text-rendering") == "geometricPrecision"


def test_moving_moves_every_kind_of_item() -> None:
    moves: list[Item] = [
        Line(((0.0, 0.0), (1.0, 1.0)), "#000000", 1.0),
        Area(((0.0, 0.0), (1.0, 0.0)), "#000000"),
        Box((0.0, 0.0), (1.0, 1.0), "#000000"),
        Marks(((0.0, 0.0),), "x", 1.0, "#000000"),
        TextLine((0.0, 0.0), "a", 1.0),
    ]
    for item in moves:
        there = moved(item, (3.0, 4.0))
        assert there != item
        assert moved(there, (-3.0, -4.0)) == item
