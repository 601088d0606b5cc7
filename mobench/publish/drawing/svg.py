"""A picture as an SVG whose bytes repeat."""

from __future__ import annotations

import math
from xml.sax.saxutils import escape, quoteattr

import matplotlib

from mobench.publish.drawing.letters import EM, STEP, outline, set_line
from mobench.publish.drawing.picture import Area, Box, Item, Line, Marks, Picture, Point, Words

_HEAD = """\
<?xml version="1.0" encoding="utf-8"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1" \
width="{width}pt" height="{height}pt" viewBox="0 0 {width} {height}">
<desc>{note}</desc>
<metadata>letters: Matplotlib v{version}</metadata>
<defs>
{letters}
</defs>
<rect width="100%" height="100%" fill="#ffffff"/>
<g fill="none" stroke-linejoin="round" stroke-linecap="square">
{drawn}
</g>
</svg>
"""


def svg(picture: Picture, note: str = "") -> bytes:
    """Writes a picture; the same picture gives the same bytes under one version of matplotlib.

    Args:
        picture: What to write.
        note: Goes into the file's description.
    """
    used: dict[str, bool] = {}
    drawn = [_drawn(item, picture.height, used) for item in picture.items]
    scale = _number(STEP, 6)
    letters = [
        f'<path id="{name}" d="{outline(name, bold)}" transform="scale({scale})"/>'
        for name, bold in used.items()
    ]
    text = _HEAD.format(
        width=_number(picture.width),
        height=_number(picture.height),
        note=escape(note),
        version=matplotlib.__version__,
        letters="\n".join(letters),
        drawn="\n".join(drawn),
    )
    return text.encode()


def _drawn(item: Item, height: float, used: dict[str, bool]) -> str:
    """One item; ``used`` receives the names of its letters and whether they are bold."""
    if isinstance(item, Line):
        return _line(item, height)
    if isinstance(item, Area):
        path = _path(item.points, height)
        return f'<path d="{path}Z" fill="{item.color}"{_opacity(item.alpha)}/>'
    if isinstance(item, Box):
        return _box(item, height)
    return _marks(item, height) if isinstance(item, Marks) else _words(item, height, used)


def _line(item: Line, height: float) -> str:
    dots = ""
    if item.dotted:
        dash, gap = _number(item.width), _number(2 * item.width)
        dots = f' stroke-linecap="butt" stroke-dasharray="{dash} {gap}"'
    return (
        f'<path d="{_path(item.points, height)}" stroke="{item.color}"'
        f' stroke-width="{_number(item.width)}"{dots}{_opacity(item.alpha)}/>'
    )


def _box(item: Box, height: float) -> str:
    (left, bottom), (right, top) = item.low, item.high
    corner = f' rx="{_number(item.radius)}"' if item.radius else ""
    return (
        f'<rect x="{_number(left)}" y="{_number(height - top)}" width="{_number(right - left)}"'
        f' height="{_number(top - bottom)}"{corner} fill="{item.color}"/>'
    )


def _marks(item: Marks, height: float) -> str:
    half = item.size / 2 * (math.sqrt(2) if item.shape == "D" else 1)
    signs = "".join(_sign(item.shape, half, (x, height - y)) for x, y in item.points)
    closed = item.shape in ("o", "D")
    face = (item.color if item.face is None else item.face) if closed else ""
    fill = f' fill="{face}"' if face else ""
    return (
        f'<path d="{signs}"{fill} stroke="{item.color}" stroke-width="{_number(item.width)}"'
        f' stroke-linecap="butt" stroke-linejoin="miter"{_opacity(item.alpha)}/>'
    )


def _sign(shape: str, half: float, at: Point) -> str:
    """One mark; ``at`` counts downwards, as the file does."""

    def strokes(*ends: Point) -> str:
        places = (f"{_number(at[0] + x * half)} {_number(at[1] + y * half)}" for x, y in ends)
        return "M" + "L".join(places)

    if shape == "_":
        return strokes((-1, 0), (1, 0))
    if shape == "|":
        return strokes((0, -1), (0, 1))
    if shape == "x":
        return strokes((-1, -1), (1, 1)) + strokes((-1, 1), (1, -1))
    if shape == "D":
        return strokes((-1, 0), (0, -1), (1, 0), (0, 1)) + "Z"
    radius, across = _number(half), _number(2 * half)
    arc = f"a{radius} {radius} 0 1 0"
    return f"{strokes((-1, 0))}{arc} {across} 0{arc} -{across} 0Z"


def _words(item: Words, height: float, used: dict[str, bool]) -> str:
    line = set_line(item.text, item.bold)
    scale = item.size / EM
    back = {"left": 0.0, "center": 0.5, "right": 1.0}[item.across] * line.width * scale
    x, y = item.origin
    x, y = (x, y - back) if item.turned else (x - back, y)
    used.update((glyph.name, item.bold) for glyph in line.glyphs)
    letters = "".join(
        f'<use xlink:href="#{glyph.name}" x="{_number(glyph.x)}"'
        + (f' y="{_number(glyph.y)}"/>' if glyph.y else "/>")
        for glyph in line.glyphs
    )
    turn = " rotate(-90)" if item.turned else ""
    size = f"scale({_number(scale, 5)} {_number(-scale, 5)})"
    return (
        f'<g aria-label={quoteattr(item.text)} fill="{item.color}"'
        f' transform="translate({_number(x)} {_number(height - y)}){turn} {size}">{letters}</g>'
    )


def _path(points: tuple[Point, ...], height: float) -> str:
    return "M" + "L".join(f"{_number(x)} {_number(height - y)}" for x, y in points)


def _opacity(alpha: float) -> str:
    return "" if alpha == 1.0 else f' opacity="{_number(alpha)}"'


def _number(value: float, digits: int = 2) -> str:
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
