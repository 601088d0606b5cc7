"""How every picture looks: colors, letters, and an SVG whose bytes repeat."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.figure import Figure

# Okabe-Ito vermilion and blue: told apart in every common form of color blindness.
ATTACK = "#D55E00"
CAPABILITY = "#0072B2"
INK = "#222222"
SOFT = "#6b6b6b"
WINDOW = "#ececec"
BUDGET = "#d7e8f4"

_SETTINGS: Any = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so letters are the same everywhere
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9a9a9a",
    "axes.linewidth": 0.7,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "text.color": INK,
    "axes.labelcolor": INK,
    "svg.fonttype": "path",
    "svg.hashsalt": "mobench",
}


@contextmanager
def style() -> Iterator[None]:
    """Draws from matplotlib's own defaults, whatever the user's configuration says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def svg_bytes(figure: Figure, note: str = "") -> bytes:
    """An SVG without a date; to be called within :func:`style`.

    Args:
        figure: What to write.
        note: Goes into the file's description.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Description": note or None})
    return buffer.getvalue()
