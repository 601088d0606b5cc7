"""A picture as a PNG, drawn by matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Transform

from mobench.publish.drawing.picture import Area, Box, Item, Line, Marks, Picture

_POINTS = 72  # in an inch


def write_png(picture: Picture, path: Path, *, dpi: int = 200) -> None:
    """Draws a picture into a file.

    Args:
        picture: What to draw.
        path: Where to write.
        dpi: Dots in an inch.
    """
    with plain():
        figure_of(picture).savefig(path, dpi=dpi, format="png")


@contextmanager
def plain() -> Iterator[None]:
    """Draws with matplotlib's own defaults, whatever the user's configuration says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield


def figure_of(picture: Picture) -> Figure:
    """The picture as a figure of matplotlib's; to be called within :func:`plain`."""
    size = (picture.width / _POINTS, picture.height / _POINTS)
    figure = Figure(figsize=size, facecolor="white")
    FigureCanvasAgg(figure)
    place = Affine2D().scale(1 / _POINTS) + figure.dpi_scale_trans
    for order, item in enumerate(picture.items, start=1):
        artist = _artist(item, place)
        artist.set_zorder(order)
        figure.add_artist(artist)
    return figure


def _artist(item: Item, place: Transform) -> Artist:
    if isinstance(item, Line):
        xs, ys = zip(*item.points, strict=True)
        dots = (0, (1, 2)) if item.dotted else "-"
        return Line2D(
            xs, ys, color=item.color, lw=item.width, alpha=item.alpha, ls=dots, transform=place
        )
    if isinstance(item, Area):
        return Polygon(item.points, color=item.color, alpha=item.alpha, lw=0, transform=place)
    if isinstance(item, Box):
        wide, high = (b - a for a, b in zip(item.low, item.high, strict=True))
        if not item.radius:
            return Rectangle(item.low, wide, high, color=item.color, lw=0, transform=place)
        style = f"round,pad=0,rounding_size={item.radius}"
        return FancyBboxPatch(
            item.low, wide, high, boxstyle=style, color=item.color, lw=0, transform=place
        )
    if isinstance(item, Marks):
        xs, ys = zip(*item.points, strict=True)
        face = item.color if item.face is None else item.face or "none"
        return Line2D(
            xs,
            ys,
            ls="",
            marker=item.shape,
            ms=item.size,
            mec=item.color,
            mfc=face,
            mew=item.width,
            alpha=item.alpha,
            transform=place,
        )
    return Text(
        *item.origin,
        item.text,
        color=item.color,
        fontfamily="DejaVu Sans",
        fontsize=item.size,
        fontweight="bold" if item.bold else "normal",
        ha=item.across,
        va="baseline",
        rotation=90 if item.turned else 0,
        rotation_mode="anchor",
        parse_math=False,
        transform=place,
    )
