"""When each run lost the behavior, over its learning rate: with 1/LR, or sooner than that."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mobench.publish.drawing.legend import SAMPLE, Key, legend, patch, stroke
from mobench.publish.drawing.panel import Panel
from mobench.publish.drawing.picture import Area, Item, Line, Marks, Picture, TextLine
from mobench.publish.drawing.rate_axis import rate_place, rate_ticks
from mobench.publish.drawing.style import ATTACK, LETTERS, SOFT, WINDOW
from mobench.publish.drawing.svg import svg
from mobench.records.learning_rates import lr_text
from mobench.score import Removal, RungScore, RunScore

_INCH = 72.0
_WIDTH, _PANEL = 4.1 * _INCH, 2.3 * _INCH
_LEFT, _RIGHT = 0.62 * _INCH, 0.15 * _INCH
_HEAD, _EDGE = 0.42 * _INCH, 0.12 * _INCH
_FOOT = 0.62 * _INCH + 2 * 11.6
_MARGIN = 0.25  # decades beyond the outermost rungs
_BELOW_ONE = 0.5  # where a step of 0 stands on a logarithmic axis
_SPREAD = 0.05  # decades between two seeds of a rung
_LABEL_ROOM = 0.11  # of the axis


@dataclass(frozen=True)
class _Scale:
    """Steps on a logarithmic axis from a step of 0 to the longest budget.

    Attributes:
        last: The longest budget.
    """

    last: int

    def at(self, step: float) -> float:
        """The place of a step: 0 at the bottom, 1 at the longest budget."""
        low, high = math.log2(_BELOW_ONE), math.log2(max(2, self.last))
        return round((math.log2(max(step, _BELOW_ONE)) - low) / (high - low), 5)

    def ticks(self) -> list[tuple[float, str]]:
        """Some powers of two, and 0 at the bottom."""
        octaves = int(math.log2(max(2, self.last)))
        every = max(1, round(octaves / 4))
        steps = [2**octave for octave in range(octaves, -1, -every)]
        return [(0.0, "0"), *((self.at(step), str(step)) for step in reversed(steps))]


def removal_svg(score: RunScore, note: str = "") -> bytes:
    """Draws removal step over learning rate as the bytes of an SVG.

    Args:
        score: The scored run.
        note: Goes into the file's description.
    """
    return svg(removal_picture(score), note)


def removal_picture(score: RunScore) -> Picture:
    """Draws, for each seed of each rung, between which checkpoints the behavior went.

    The band is what the lowest rung where it goes would make of all others if only the product of
    steps and learning rate counted. Runs that still have the behavior above it, or lose it below,
    say that a higher learning rate does more than that.
    """
    # 1. The axes: a learning rate of 0 has no place on one that is logarithmic.
    rungs = [rung for rung in score.rungs if rung.lr > 0.0]
    scale = _Scale(score.steps)
    places = [rate_place(rung.lr) for rung in rungs] or [0.0]
    ends = (places[0] - _MARGIN, places[-1] + _MARGIN)
    panel = Panel(_LEFT, _FOOT, _WIDTH - _LEFT - _RIGHT, _PANEL, *ends)
    height = _FOOT + _PANEL + _HEAD
    middle = (panel.left + panel.right) / 2
    title = "Removal step against learning rate"
    items: list[Item] = [
        TextLine((_EDGE, height - _EDGE), title, 10.0, bold=True, along="top"),
    ]

    # 2. The band of 1/LR, below everything.
    reference = _reference(rungs)
    if reference is not None:
        items += _band(panel, scale, reference)
    items += panel.axes(rate_ticks(panel, rungs, _LABEL_ROOM), rates=scale.ticks())
    items.append(panel.label("step (log scale)", ATTACK))
    at = (middle, _FOOT - 0.32 * _INCH)
    label = "learning rate (log scale)"
    items.append(TextLine(at, label, LETTERS, SOFT, across="center", along="middle"))

    # 3. Every seed.
    for rung in rungs:
        measured = [one for one in rung.removals if one.low is not None]
        for seed, removal in enumerate(measured):
            offset = (seed - (len(measured) - 1) / 2) * min(_SPREAD, 0.3 / len(measured))
            items += _removal(panel, scale, round(rate_place(rung.lr) + offset, 5), removal)
    items += legend(_keys(reference), middle=middle, bottom=0.1 * _INCH, columns=2)
    return Picture(_WIDTH, height, tuple(items))


@dataclass(frozen=True)
class _Reference:
    """The lowest rung at which every seed lost the behavior, and between which steps."""

    lr: float
    low: float
    high: float


def _reference(rungs: list[RungScore]) -> _Reference | None:
    for rung in rungs:
        gone = [one for one in rung.removals if one.low is not None and one.high is not None]
        if gone and len(gone) == len(rung.removals):
            low = min(one.low for one in gone if one.low is not None)
            high = max(one.high for one in gone if one.high is not None)
            return _Reference(rung.lr, float(low), float(high))
    return None


def _band(panel: Panel, scale: _Scale, reference: _Reference) -> list[Item]:
    """Steps in inverse proportion to the learning rate, cut at the panel's edges."""
    xs = [panel.start + (panel.end - panel.start) * part / 60 for part in range(61)]

    def edge(steps: float) -> list[float]:
        at = rate_place(reference.lr)
        return [scale.at(steps * 10.0 ** (at - x)) for x in xs]

    low, high = panel.at(xs, edge(reference.low)), panel.at(xs, edge(reference.high))
    lines: list[Item] = [Area(low + high[::-1], WINDOW)]
    for side in (low, high):
        inside = tuple(point for point in side if panel.bottom < point[1] < panel.top)
        lines += [Line(inside, SOFT, 0.8, dotted=True)] if len(inside) > 1 else []
    return lines


def _removal(panel: Panel, scale: _Scale, x: float, removal: Removal) -> list[Item]:
    """A line from the last checkpoint with the behavior to the first without; open if censored."""
    assert removal.low is not None
    if removal.high is None:
        point = panel.at([x], [scale.at(removal.low)])
        return [Marks(point, "o", 4.6, ATTACK, "#ffffff", 1.1)]
    ends = panel.at([x, x], [scale.at(removal.low), scale.at(removal.high)])
    return [Line(ends, ATTACK, 1.4), Marks(ends, "_", 4.5, ATTACK)]


def _keys(reference: _Reference | None) -> list[Key]:
    middle = (SAMPLE / 2, 0.0)
    ends = ((SAMPLE / 2, -3.5), (SAMPLE / 2, 3.5))
    keys = [
        Key("one seed: gone in here", (Line(ends, ATTACK, 1.4), Marks(ends, "_", 4.5, ATTACK))),
        Key("not gone by here", (Marks((middle,), "o", 4.6, ATTACK, "#ffffff", 1.1),)),
    ]
    if reference is not None:
        line = stroke(SOFT, 0.8, dotted=True)
        keys.append(Key(f"1/LR, from LR {lr_text(reference.lr)}", (patch(WINDOW), line)))
    return keys
