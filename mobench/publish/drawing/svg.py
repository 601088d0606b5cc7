"""A picture as an SVG whose bytes repeat."""

from __future__ import annotations

import math
from xml.sax.saxutils import escape

from mobench.publish.drawing.picture import Area, Box, Item, Line, Marks, Picture, Point, TextLine

FONTS = "DejaVu Sans, Verdana, sans-serif"
"""The font that widths are measured in, one of the same kind on most desktops, and any other."""

# Precise: else a small picture's letters are rounded to whole pixels, and its lines of text grow.
_HEAD = """\
<?xml version="1.0" encoding="utf-8"?>
<svg xmlns="http://www.w3.org/2000/svg" version="1.1" \
width="{width}pt" height="{height}pt" viewBox="0 0 {width} {height}">
<desc>{note}</desc>
<rect width="100%" height="100%" fill="#ffffff"/>
<g fill="none" stroke-linejoin="round" stroke-linecap="square" font-family="{fonts}" \
text-rendering="geometricPrecision">
{drawn}
</g>
</svg>
"""


def svg(picture: Picture, note: str = "") -> bytes:
    """Writes a picture; the same picture gives the same bytes.

    Args:
        picture: What to write.
        note: Goes into the file's description.
    """
    text = _HEAD.format(
        width=_number(picture.width),
        height=_number(picture.height),
        note=escape(note),
        fonts=FONTS,
        drawn="\n".join(_drawn(item, picture.height) for item in picture.items),
    )
    return text.encode()


def _drawn(item: Item, height: float) -> str:
    if isinstance(item, Line):
        return _line(item, height)
    if isinstance(item, Area):
        path = _path(item.points, height)
        return f'<path d="{path}Z" fill="{item.color}"{_opacity(item.alpha)}/>'
    if isinstance(item, Box):
        return _box(item, height)
    return _marks(item, height) if isinstance(item, Marks) else _text_line(item, height)


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


def _text_line(item: TextLine, height: float) -> str:
    x, y = item.origin
    left, top = _number(x), _number(height - y)
    anchor = {"left": "", "center": "middle", "right": "end"}[item.across]
    parts = [f'<text x="{left}" y="{top}" font-size="{_number(item.size)}" fill="{item.color}"']
    parts += ['font-weight="bold"'] if item.bold else []
    parts += [f'text-anchor="{anchor}"'] if anchor else []
    parts += [f'transform="rotate(-90 {left} {top})"'] if item.turned else []
    return f"{' '.join(parts)}>{escape(item.text)}</text>"


def _path(points: tuple[Point, ...], height: float) -> str:
    return "M" + "L".join(f"{_number(x)} {_number(height - y)}" for x, y in points)


def _opacity(alpha: float) -> str:
    return "" if alpha == 1.0 else f' opacity="{_number(alpha)}"'


def _number(value: float, digits: int = 2) -> str:
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
