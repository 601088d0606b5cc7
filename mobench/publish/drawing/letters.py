"""Text as outlines of DejaVu Sans, which ships with matplotlib: the same letters everywhere.

Laying out a line and drawing a letter cost as much as all the rest of a picture, and pictures say
the same things again and again, so both are remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.textpath import text_to_path

#: Outlines and places are of letters of this height, in points.
EM = 100.0
#: Outlines are in steps of this share of a point, FreeType's own: so they are whole numbers.
STEP = 1 / 64

_FILES = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}
# Of a path: how it is written in SVG, and how many points belong to it.
_MOVES = {1: ("M", 1), 2: ("L", 1), 3: ("Q", 2), 4: ("C", 3), 79: ("Z", 0)}


@dataclass(frozen=True)
class Glyph:
    """A letter at its place in a line.

    Attributes:
        name: Of its outline.
        x: Right of the line's beginning, for letters of height ``EM``.
        y: Above the base line.
    """

    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Setting:
    """A line of text, set.

    Attributes:
        width: For letters of height ``EM``.
        glyphs: Its letters.
    """

    width: float
    glyphs: tuple[Glyph, ...]


@dataclass(frozen=True)
class _Face:
    font: FT2Font
    outlines: dict[str, str] = field(default_factory=dict)


@cache
def _face(bold: bool) -> _Face:
    # Not by matplotlib's own look-up, which a user's settings may lead elsewhere.
    font = FT2Font(str(Path(matplotlib.get_data_path(), "fonts", "ttf", _FILES[bold])))
    font.set_size(EM, 72)
    return _Face(font)


@lru_cache(maxsize=4096)
def set_line(text: str, bold: bool = False) -> Setting:
    """Sets a line of text, kerning included.

    Args:
        text: The line.
        bold: Whether in bold.
    """
    face = _face(bold)
    known: dict[str, Any] = dict.fromkeys(face.outlines)
    placed, new, _ = text_to_path.get_glyphs_with_font(
        face.font, text, glyph_map=known, return_new_glyphs_only=True
    )
    for name, (vertices, codes) in new.items():
        face.outlines[name] = _path(vertices, codes)
    face.font.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    width = face.font.get_width_height()[0] * STEP
    return Setting(width, tuple(Glyph(name, round(x, 4), round(y, 4)) for name, x, y, _ in placed))


def width_of(text: str, size: float, bold: bool = False) -> float:
    """How wide a line of text is, in points."""
    return set_line(text, bold).width * size / EM


def outline(name: str, bold: bool = False) -> str:
    """The outline of a letter that was set before, as SVG's path data in units of ``STEP``."""
    return _face(bold).outlines[name]


def _path(vertices: Any, codes: Any) -> str:
    points = [f"{x:.0f} {y:.0f}" for x, y in (vertices / STEP).tolist()]
    written, at = [], 0
    while at < len(points):
        letter, count = _MOVES[int(codes[at])]
        written.append(letter + " ".join(points[at : at + count]))
        at += max(1, count)
    return "".join(written)
