"""Capability against behavior: every checkpoint of every rung at which capability was asked."""

from __future__ import annotations

from collections.abc import Sequence

from mobench.publish.drawing.legend import SAMPLE, Key, legend, stroke
from mobench.publish.drawing.panel import Panel
from mobench.publish.drawing.picture import Item, Line, Marks, Picture, Point, TextLine
from mobench.publish.drawing.style import CAPABILITY, INK, LETTERS, SOFT, rung_colors
from mobench.publish.drawing.svg import svg
from mobench.records.learning_rates import lr_text
from mobench.score import RunScore

_INCH = 72.0
_WIDTH, _PANEL = 4.1 * _INCH, 2.3 * _INCH
_LEFT, _RIGHT = 0.62 * _INCH, 0.15 * _INCH
_HEAD, _EDGE = 0.42 * _INCH, 0.12 * _INCH
_LEGEND_ROW, _LEGEND_COLUMNS = 11.6, 3


def frontier_svg(score: RunScore, note: str = "", *, chance: float | None = None) -> bytes:
    """Draws capability against behavior as the bytes of an SVG.

    Args:
        score: The scored run, with its curves.
        note: Goes into the file's description.
        chance: Capability of one who guesses, the mean over tasks; None where it is not known.
    """
    return svg(frontier_picture(score, chance=chance), note)


def frontier_picture(score: RunScore, *, chance: float | None = None) -> Picture:
    """Draws capability against behavior.

    A point is the mean of a rung's seeds at one checkpoint. Up and to the left is where behavior is
    gone and capability is not: free removal.
    """
    # 1. The points, and what stands around them.
    points = {rung.lr: _points(score, rung.lr) for rung in score.rungs}
    start = _start(score)
    keys = _keys(score, known=start is not None, chance=chance)
    rows = -(-len(keys) // _LEGEND_COLUMNS)
    foot = 0.62 * _INCH + _LEGEND_ROW * rows
    panel = Panel(_LEFT, foot, _WIDTH - _LEFT - _RIGHT, _PANEL, -0.05, 1.05)
    height = foot + _PANEL + _HEAD
    middle = (panel.left + panel.right) / 2
    title = "Capability against behavior"
    items: list[Item] = [
        TextLine((_EDGE, height - _EDGE), title, 10.0, bold=True, along="top"),
        *panel.axes([(0.0, "0"), (0.5, "0.5"), (1.0, "1")]),
        panel.label("capability", CAPABILITY),
        TextLine(
            (middle, foot - 0.32 * _INCH),
            "attack rate (left: the behavior is gone)",
            LETTERS,
            SOFT,
            across="center",
            along="middle",
        ),
    ]
    # 2. The loss that is tolerated, and the best that checkpoints give.
    if start is not None:
        items.append(panel.across(round(start[1] - score.epsilon, 4), CAPABILITY))
        if chance is not None:
            found = [point for some in points.values() for point in some]
            hull = upper_hull([(score.clean_rate, chance), *found, start])
            items.append(Line(panel.at(*_sides(hull)), INK, 1.0, alpha=0.55))
    # 3. Every checkpoint, and the organism as it was.
    colors = rung_colors(len(score.rungs))
    for rung, color in zip(score.rungs, colors, strict=True):
        if points[rung.lr]:
            items.append(Marks(panel.at(*_sides(points[rung.lr])), "o", 4.6, color, alpha=0.85))
    if start is not None:
        items.append(Marks(panel.at(*_sides([start])), "D", 5.0, INK))
    items += legend(keys, middle=middle, bottom=0.1 * _INCH, columns=_LEGEND_COLUMNS)
    return Picture(_WIDTH, height, tuple(items))


def upper_hull(points: Sequence[Point]) -> list[Point]:
    """Returns the upper concave envelope of points, from the leftmost to the rightmost."""
    hull: list[Point] = []
    for point in sorted(set(points)):
        while hull and hull[-1][0] == point[0]:
            hull.pop()
        while len(hull) > 1 and _turn(hull[-2], hull[-1], point) >= 0:
            hull.pop()
        hull.append(point)
    return hull


def _turn(a: Point, b: Point, c: Point) -> float:
    """Above 0 where the way from a over b to c turns left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _points(score: RunScore, lr: float) -> list[Point]:
    """Attack rate and capability, means of a rung's seeds, at checkpoints that all of them have."""
    by_kind = {}
    for kind in ("attack", "capability"):
        curves = [c for c in score.curves if c.kind == kind and c.lr == lr]
        values = [dict(zip(c.steps, c.values, strict=True)) for c in curves]
        steps = set.intersection(*map(set, values)) - {0} if values else set()
        by_kind[kind] = {step: sum(v[step] for v in values) / len(values) for step in steps}
    shared = sorted(by_kind["attack"].keys() & by_kind["capability"].keys())
    # Rounded, so that the last bit of a float never changes the file.
    return [
        (round(by_kind["attack"][step], 4), round(by_kind["capability"][step], 4))
        for step in shared
    ]


def _start(score: RunScore) -> Point | None:
    """The organism before training."""
    found = {c.kind: c.values[0] for c in score.curves if c.steps[:1] == (0,)}
    if "attack" not in found or "capability" not in found:
        return None
    return round(found["attack"], 4), round(found["capability"], 4)


def _sides(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _keys(score: RunScore, *, known: bool, chance: float | None) -> list[Key]:
    middle = (SAMPLE / 2, 0.0)
    keys = [
        Key(f"LR {lr_text(rung.lr)}", (Marks((middle,), "o", 4.6, color, alpha=0.85),))
        for rung, color in zip(score.rungs, rung_colors(len(score.rungs)), strict=True)
    ]
    if known:
        keys.append(Key("before training", (Marks((middle,), "D", 5.0, INK),)))
        budget = f"loss budget {score.epsilon:g}"
        keys.append(Key(budget, (stroke(CAPABILITY, 0.8, dotted=True),)))
        if chance is not None:
            keys.append(Key("frontier", (stroke(INK, 1.0, alpha=0.55),)))
    return keys
