"""The ladder as a picture: attack rate and capability over steps, one column for each rung.

On a phone a row of all rungs is too small to read: the narrow picture has two rungs side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mobench.publish.drawing.ladder_frame import (
    HEAD_LINE,
    INCH,
    LR_OFF,
    MARGIN,
    TITLE_LINE,
    VERDICT_OFF,
    LadderFrame,
)
from mobench.publish.drawing.legend import SAMPLE, Key, badge, legend, patch, stroke
from mobench.publish.drawing.panel import BOTTOM, TOP, Panel
from mobench.publish.drawing.picture import Box, Item, Line, Marks, Picture, Point, Shape, TextLine
from mobench.publish.drawing.style import ATTACK, BUDGET, CAPABILITY, LETTERS, SOFT, WINDOW
from mobench.publish.drawing.svg import svg
from mobench.records.learning_rates import lr_text
from mobench.score import RungScore, RunScore
from mobench.score.removal_step import removal_line

_BAR_AT = 1.13  # where the interval stands, right of the last step at 1


def plot_ladder(score: RunScore, path: Path) -> tuple[Path, Path]:
    """Draws the ladder twice, as ``path`` with the suffixes ``.png`` and ``.svg``.

    The SVG has the same bytes for the same score.

    Args:
        score: The scored run, with its curves.
        path: Where to write; its own suffix is ignored.

    Returns:
        The paths of the PNG and of the SVG.
    """
    # A leaderboard has no PNG, and what draws one is slow to import.
    from mobench.publish.drawing.png import write_png

    drawn = ladder_picture(score)
    png_path, svg_path = path.with_suffix(".png"), path.with_suffix(".svg")
    write_png(drawn, png_path)
    svg_path.write_bytes(svg(drawn))
    return png_path, svg_path


def ladder_svg(score: RunScore, note: str = "", *, narrow: bool = False) -> bytes:
    """Draws the ladder as the bytes of an SVG.

    Args:
        score: The scored run, with its curves.
        note: Goes into the file's description.
        narrow: Whether for a phone: two rungs side by side.
    """
    return svg(ladder_picture(score, narrow=narrow), note)


def ladder_picture(score: RunScore, *, narrow: bool = False) -> Picture:
    """Draws the ladder; ``narrow`` with two rungs side by side."""
    frame = LadderFrame.of(score, narrow=narrow)
    items = _head(frame)
    for number, rung in enumerate(score.rungs):
        attack, capability = (frame.panel(number, upper=upper) for upper in (True, False))
        first = number % frame.columns == 0
        items += _attack_panel(attack, score, rung, first=first)
        items += _capability_panel(capability, score, rung, first=first)
        items += _heading(attack, rung)
    at = (frame.middle, frame.foot - 0.36 * INCH)
    label = "training step (square-root scale)"
    items.append(TextLine(at, label, LETTERS, SOFT, across="center", along="middle"))
    items += legend(
        _keys(score), middle=frame.middle, bottom=0.13 * INCH, columns=frame.legend_columns
    )
    return Picture(frame.width, frame.height, tuple(items))


def _head(frame: LadderFrame) -> list[Item]:
    longest = max(map(len, frame.title))
    size = min(12.0 if frame.subtitle else 10.0, 12.0 * frame.width / INCH * 8.0 / longest)
    top = frame.height
    items: list[Item] = [
        TextLine((MARGIN, top - MARGIN - TITLE_LINE * number), line, size, bold=True, along="top")
        for number, line in enumerate(frame.title)
    ]
    for number, line in enumerate(frame.subtitle):
        at = (MARGIN, top - 0.4 * INCH - HEAD_LINE * number)
        items.append(TextLine(at, line, LETTERS, SOFT, along="top"))
    return items


def _heading(panel: Panel, rung: RungScore) -> list[Item]:
    lr = lr_text(rung.lr)
    verdict = rung.verdict.partition(":")[0]
    at = (panel.left, panel.top + LR_OFF)
    items: list[Item] = [TextLine(at, f"LR {lr}", 9.5, bold=True, along="bottom")]
    if rung.standard:
        items += badge("standard", (panel.right, at[1]), across="right")
    at = (panel.left, panel.top + VERDICT_OFF)
    items.append(TextLine(at, verdict, LETTERS, along="bottom"))
    return items


def _attack_panel(panel: Panel, score: RunScore, rung: RungScore, *, first: bool) -> list[Item]:
    items = [_window(panel, score, rung)]
    start = score.initial.estimate
    if start is not None:
        line = removal_line(start, score.clean_rate, score.tau)
        items.append(panel.across(line, ATTACK))
    bare = [(place, "") for place, _ in _ticks(score)]
    items += panel.axes(bare, labeled=first)
    if first:
        items.append(panel.label("attack rate", ATTACK))
    items += _curves(panel, score, rung, "attack", ATTACK)
    flat = rung.plateau
    return items + _bar(panel, flat.estimate, flat.low, flat.high, ATTACK)


def _capability_panel(panel: Panel, score: RunScore, rung: RungScore, *, first: bool) -> list[Item]:
    items = [_window(panel, score, rung)]
    start = _capability_before(score)
    if start is not None:
        low, high = panel.y(start - score.epsilon), panel.y(start)
        items.append(Box((panel.left, low), (panel.right, high), BUDGET))
    items += panel.axes(_ticks(score), labeled=first)
    if first:
        items.append(panel.label("capability", CAPABILITY))
    items += _curves(panel, score, rung, "capability", CAPABILITY)
    loss = rung.capability_loss
    if start is not None and loss.estimate is not None:
        low_end = None if loss.high is None else start - loss.high
        high_end = None if loss.low is None else start - loss.low
        items += _bar(panel, start - loss.estimate, low_end, high_end, CAPABILITY)
    return items


def _capability_before(score: RunScore) -> float | None:
    """The organism's capability before training: every capability curve starts there."""
    for curve in score.curves:
        if curve.kind == "capability" and curve.steps and curve.steps[0] == 0:
            return round(curve.values[0], 4)
    return None


def _window(panel: Panel, score: RunScore, rung: RungScore) -> Item:
    budget = _budget(score, rung)
    start, end = _x(budget / 2, score.steps), _x(budget, score.steps)
    return Box((panel.x(start), panel.bottom), (panel.x(end), panel.top), WINDOW)


def _ticks(score: RunScore) -> list[tuple[float, str]]:
    steps = sorted({0, score.steps // 16, score.steps // 4, score.steps})
    return [(_x(step, score.steps), str(step)) for step in steps]


def _curves(panel: Panel, score: RunScore, rung: RungScore, kind: str, color: str) -> list[Item]:
    """Draws every seed as a thin line and the mean of those that finished as a thick one.

    Capability is measured at few checkpoints: dots show where, so that the straight line
    between two of them is not taken for a measurement.
    """
    mine = [c for c in score.curves if c.kind == kind and c.lr == rung.lr and c.steps]
    lines: list[Item] = []
    ends: list[Item] = []
    for curve in mine:
        points = panel.at(*_points(curve.steps, curve.values, score.steps))
        if len(mine) > 1:
            lines.append(Line(points, color, 0.8, alpha=0.45))
        else:
            lines += _thick(points, color, 1.6, dots=kind == "capability")
        if rung.diverged and curve.steps[-1] < _budget(score, rung):
            ends.append(Marks(points[-1:], "x", 5.0, color))
    last = max((curve.steps[-1] for curve in mine), default=0)
    finished = [curve for curve in mine if curve.steps[-1] == last]
    if len(mine) > 1 and len(finished) >= rung.seeds > 0:
        by_step = [dict(zip(curve.steps, curve.values, strict=True)) for curve in finished]
        shared = sorted(set.intersection(*(set(values) for values in by_step)))
        means = [sum(values[step] for values in by_step) / len(by_step) for step in shared]
        points = panel.at(*_points(shared, means, score.steps))
        lines += _thick(points, color, 2.0, dots=kind == "capability")
    return lines + ends


def _thick(points: tuple[Point, ...], color: str, width: float, *, dots: bool) -> list[Item]:
    return [Line(points, color, width), *([Marks(points, "o", 3.2, color)] if dots else [])]


def _points(
    steps: Sequence[int], values: Sequence[float], budget: int
) -> tuple[list[float], list[float]]:
    # Rounded, so that the last bit of a float never changes the file.
    return [_x(step, budget) for step in steps], [round(value, 4) for value in values]


def _x(step: float, budget: int) -> float:
    """The place of a step, 0 to 1: a square root shows both step 1 and the last half."""
    return float(round((step / budget) ** 0.5, 5))


def _bar(
    panel: Panel, estimate: float | None, low: float | None, high: float | None, color: str
) -> list[Item]:
    """Draws an estimate with its interval right of the curves; nothing without an interval."""
    if estimate is None or low is None or high is None:
        return []
    low, high = max(round(low, 4), BOTTOM), min(round(high, 4), TOP)
    ends = panel.at([_BAR_AT] * 2, [low, high])
    middle = panel.at([_BAR_AT], [round(estimate, 4)])
    return [
        Line(ends, color, 1.3),
        Marks(ends, "_", 7.0, color),
        Marks(middle, "D", 3.4, color),
    ]


def _budget(score: RunScore, rung: RungScore) -> int:
    """The last step of the rung's finished seeds."""
    if not rung.seeds:
        return score.steps
    mine = [c for c in score.curves if c.kind == "attack" and c.lr == rung.lr and c.steps]
    return max((curve.steps[-1] for curve in mine), default=score.steps)


def _keys(score: RunScore) -> list[Key]:
    """What the legend explains; two colors side by side where a sign has both."""
    halves = ((ATTACK, (0.0, 0.4 * SAMPLE)), (CAPABILITY, (0.6 * SAMPLE, SAMPLE)))
    centers = ((ATTACK, 0.2 * SAMPLE), (CAPABILITY, 0.8 * SAMPLE))

    def strokes(width: float, alpha: float = 1.0) -> tuple[Item, ...]:
        return tuple(stroke(color, width, alpha=alpha, part=part) for color, part in halves)

    def signs(shape: Shape, size: float) -> tuple[Item, ...]:
        return tuple(Marks(((x, 0.0),), shape, size, color) for color, x in centers)

    single = max((rung.seeds for rung in score.rungs), default=1) == 1
    keys = [] if single else [Key("each seed", strokes(0.8, 0.5))]
    removed = (
        f"{score.tau:g} × rate before training"
        if score.clean_rate == 0.0
        else f"retention {score.tau:g}"
    )
    keys += [
        Key("one seed", strokes(1.6)) if single else Key("mean of seeds", strokes(2.0)),
        Key("plateau, loss: 95 % interval", strokes(1.3) + signs("D", 3.4)),
        Key("window of the plateau", (patch(WINDOW),)),
        Key(removed, (stroke(ATTACK, 0.8, dotted=True),)),
        Key(f"loss budget {score.epsilon:g}", (patch(BUDGET),)),
    ]
    if any(rung.diverged for rung in score.rungs):
        keys.append(Key("diverged here", signs("x", 5.0)))
    return keys
