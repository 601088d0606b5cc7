"""Attack rate over learning rate: one dot for each run, and a curve where the runs allow one."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from mobench.publish.drawing.legend import SAMPLE, Key, badge, legend, patch, stroke
from mobench.publish.drawing.panel import Panel
from mobench.publish.drawing.picture import Area, Box, Item, Line, Marks, Picture, Point, TextLine
from mobench.publish.drawing.rate_axis import rate_place, rate_ticks
from mobench.publish.drawing.style import ATTACK, INK, LETTERS, SOFT, WINDOW
from mobench.publish.drawing.svg import svg
from mobench.publish.pages import number_format as wording
from mobench.score import RungScore, RunScore
from mobench.score.dose_response import DoseResponse
from mobench.score.run_dose_response import RunRate, is_fitted, ladder_dose_response, run_rates

_INCH = 72.0
_PANEL = 2.1 * _INCH  # height
_FOOT = 1.02 * _INCH
_TITLE, _LINE = 0.22 * _INCH, 0.18 * _INCH
_EDGE = 0.12 * _INCH
_LEFT, _RIGHT = 0.62 * _INCH, 0.15 * _INCH
_MARGIN = 0.25  # decades beyond the outermost rungs
_BAR_OFF = 0.016  # of the axis: an interval stands right of its dots, which it would hide
_LABEL_ROOM = 0.075  # of the axis


def dose_svg(score: RunScore, note: str = "", found: DoseResponse | None = None) -> bytes:
    """Draws attack rate over learning rate as the bytes of an SVG.

    The bytes are the same for the same score.

    Args:
        score: The scored run, with its curves.
        note: Goes into the file's description.
        found: The score's dose-response, where it is known already.
    """
    return svg(dose_picture(score, found or ladder_dose_response(score)), note)


@dataclass(frozen=True)
class DoseFrame:
    """Where everything goes, in points.

    Attributes:
        width: Of the picture.
        height: Of the picture.
        title: The title, line by line.
        subtitle: What was found, line by line.
        panel: Attack rates over the logarithm of the learning rate.
        rungs: What has a place on a logarithmic axis: all but a learning rate of 0.
    """

    width: float
    height: float
    title: tuple[str, ...]
    subtitle: tuple[str, ...]
    panel: Panel
    rungs: tuple[RungScore, ...]

    @staticmethod
    def of(score: RunScore, found: DoseResponse) -> DoseFrame:
        """Makes room for what a score has to say."""
        rungs = tuple(rung for rung in score.rungs if rung.lr > 0.0)
        inches = max(6.4, 1.0 + 0.6 * len(rungs))
        title = textwrap.wrap(f"{score.organism} · {score.task}: dose-response", int(inches * 9))
        sentence = f"{wording.dose(found)} For orientation only."
        subtitle = textwrap.wrap(sentence, width=int(inches * 15.5))
        head = 0.54 * _INCH + _TITLE * len(title) + _LINE * len(subtitle)
        places = [rate_place(rung.lr) for rung in rungs] or [0.0]
        ends = (places[0] - _MARGIN, places[-1] + _MARGIN)
        width = inches * _INCH
        panel = Panel(_LEFT, _FOOT, width - _LEFT - _RIGHT, _PANEL, *ends)
        return DoseFrame(width, head + _PANEL + _FOOT, tuple(title), tuple(subtitle), panel, rungs)


def dose_picture(score: RunScore, found: DoseResponse) -> Picture:
    """Draws attack rate over learning rate.

    Args:
        score: The scored run, with its curves.
        found: Its dose-response.
    """
    frame = DoseFrame.of(score, found)
    panel, rungs = frame.panel, frame.rungs
    items = _head(frame)
    curve, crossing = _curve(panel, found)
    if found.curve is None and found.bracket is not None:
        low, high = (panel.x(rate_place(lr)) for lr in found.bracket)
        items.append(Box((low, panel.bottom), (high, panel.top), WINDOW))
    items.append(panel.across(round(found.line, 4), ATTACK))
    for rung in rungs:
        if rung.standard:
            items += _mark_standard(panel, panel.x(rate_place(rung.lr)))
    items += [
        *panel.axes(rate_ticks(panel, rungs, _LABEL_ROOM)),
        panel.label("attack rate", ATTACK),
        *curve,
    ]
    items += _runs(panel, rungs, run_rates(score), score)
    items += crossing
    middle = (panel.left + panel.right) / 2
    label = TextLine(
        (middle, 0.7 * _INCH),
        "learning rate (log scale)",
        LETTERS,
        SOFT,
        across="center",
        along="middle",
    )
    keys = legend(_keys(score, found), middle=middle, bottom=0.09 * _INCH, columns=2)
    return Picture(frame.width, frame.height, (*items, label, *keys))


def _head(frame: DoseFrame) -> list[Item]:
    items: list[Item] = []
    top = frame.height - _EDGE
    for line in frame.title:
        items.append(TextLine((_EDGE, top), line, 11.0, bold=True, along="top"))
        top -= _TITLE
    top -= 0.04 * _INCH
    for line in frame.subtitle:
        items.append(TextLine((_EDGE, top), line, LETTERS, SOFT, along="top"))
        top -= _LINE
    return items


def _mark_standard(panel: Panel, x: float) -> list[Item]:
    line = Line(((x, panel.bottom), (x, panel.top)), SOFT, 0.7)
    return [line, *badge("standard", (x, panel.top + 0.05 * _PANEL), across="center")]


def _runs(
    panel: Panel, rungs: Sequence[RungScore], runs: Sequence[RunRate], score: RunScore
) -> list[Item]:
    """Every run as a dot and every plateau with its interval; gray where nothing is fitted."""
    dots: list[Item] = []
    bars: list[Item] = []
    for rung in rungs:
        used = is_fitted(rung, score)
        mine = [round(run.rate, 4) for run in runs if run.lr == rung.lr]
        dots += [
            _dot(point, used=used) for point in panel.at([rate_place(rung.lr)] * len(mine), mine)
        ]
        flat, color = rung.plateau, ATTACK if used else SOFT
        if flat.estimate is None or flat.low is None or flat.high is None:
            continue
        place = round(rate_place(rung.lr) + _BAR_OFF * (panel.end - panel.start), 5)
        ends = panel.at([place] * 2, [round(flat.low, 4), round(flat.high, 4)])
        middle = panel.at([place], [round(flat.estimate, 4)])
        bars += [Line(ends, color, 1.3), Marks(ends, "_", 6.0, color)]
        bars.append(_diamond(middle, color, color if used else "#ffffff"))
    return bars + dots


def _dot(point: Point, *, used: bool) -> Marks:
    color = ATTACK if used else SOFT
    return Marks((point,), "o", 4.0, color, None if used else "", 0.9, alpha=0.7)


def _diamond(points: tuple[Point, ...], color: str, face: str) -> Marks:
    return Marks(points, "D", 3.2, color, face, 0.9)


def _curve(panel: Panel, found: DoseResponse) -> tuple[list[Item], list[Item]]:
    """The fitted curve with its band, and where it crosses the line; empty where there is none."""
    curve = found.curve
    if curve is None:
        return [], []
    places = [rate_place(lr) for lr in curve.lrs]
    low, high, rates = (
        panel.at(places, [round(value, 4) for value in side])
        for side in (curve.low, curve.high, curve.rates)
    )
    drawn: list[Item] = [Area(low + high[::-1], ATTACK, 0.16), Line(rates, ATTACK, 2.0)]
    if curve.critical is None:
        return drawn, []
    ends = [rate_place(end) for end in (curve.critical_low, curve.critical_high) if end is not None]
    # An end beyond the rungs has no cap: the line goes on.
    low_end = places[0] if curve.critical_low is None else ends[0]
    high_end = places[-1] if curve.critical_high is None else ends[-1]
    line = round(found.line, 4)
    crossing: list[Item] = [Line(panel.at([low_end, high_end], [line] * 2), INK, 1.3)]
    if ends:
        crossing.append(Marks(panel.at(ends, [line] * len(ends)), "|", 7.0, INK, width=1.3))
    crossing.append(_diamond(panel.at([rate_place(curve.critical)], [line]), INK, INK))
    return drawn, crossing


def _keys(score: RunScore, found: DoseResponse) -> list[Key]:
    middle = (SAMPLE / 2, 0.0)

    def estimate(color: str) -> tuple[Item, ...]:
        return stroke(color, 1.3), Marks((middle,), "D", 3.2, color)

    keys = [
        Key("one run, mean in the window", (_dot(middle, used=True),)),
        Key("plateau: 95 % interval", estimate(ATTACK)),
        Key(f"retention {score.tau:g}", (stroke(ATTACK, 0.8, dotted=True),)),
    ]
    if any(not is_fitted(rung, score) for rung in score.rungs):
        keys.append(Key("not shown to be admissible: left out", (_dot(middle, used=False),)))
    if found.curve is not None:
        band = Area(((0.0, -2.6), (SAMPLE, -2.6), (SAMPLE, 2.6), (0.0, 2.6)), ATTACK, 0.16)
        keys.append(Key("fitted curve: 95 % band", (band, stroke(ATTACK, 2.0))))
        if found.curve.critical is not None:
            keys.append(Key("where it crosses: 95 % interval", estimate(INK)))
    elif found.bracket is not None:
        keys.append(Key("the rate falls below the line here", (patch(WINDOW),)))
    return keys
