"""Attack rate over learning rate: one dot for each run, and a curve where the runs allow one."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mobench.publish import wording
from mobench.publish.style import ATTACK, INK, SOFT, WINDOW, style, svg_bytes
from mobench.score import RungScore, RunScore
from mobench.score.dose import DoseResponse
from mobench.score.dose_runs import RunRate, is_fitted, ladder_dose_response, run_rates

_PANEL = 2.1  # height, inches
_FOOT = 1.02
_LINE = 0.18
_MARGIN = 0.25  # decades beyond the outermost rungs
_BAR_OFF = 0.016  # of the axis: an interval stands right of its dots, which it would hide
_LABEL_ROOM = 0.075  # of the axis


def dose_svg(score: RunScore, note: str = "") -> bytes:
    """Draws attack rate over learning rate as the bytes of an SVG.

    The bytes are the same for the same score and matplotlib version.

    Args:
        score: The scored run, with its curves.
        note: Goes into the file's description.
    """
    with style():
        return svg_bytes(_draw(score), note)


def _draw(score: RunScore) -> Figure:
    found, runs = ladder_dose_response(score), run_rates(score)
    # A learning rate of 0 has no place on a logarithmic axis.
    rungs = [rung for rung in score.rungs if rung.lr > 0.0]
    width = max(6.4, 1.0 + 0.6 * len(rungs))
    title = textwrap.wrap(f"{score.organism} · {score.task}: dose-response", int(width * 9))
    sentence = f"{wording.dose(found)} For orientation only."
    subtitle = textwrap.wrap(sentence, width=int(width * 15.5))
    head = 0.54 + 0.22 * len(title) + _LINE * len(subtitle)
    height = head + _PANEL + _FOOT
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    for i, line in enumerate(title):
        top = 1 - (0.12 + 0.22 * i) / height
        figure.text(0.12 / width, top, line, fontsize=11, fontweight="bold", va="top")
    for i, line in enumerate(subtitle):
        top = 1 - (0.16 + 0.22 * len(title) + _LINE * i) / height
        figure.text(0.12 / width, top, line, fontsize=8.5, color=SOFT, va="top")
    left, right = 0.62 / width, 1 - 0.15 / width
    axes = figure.add_axes((left, _FOOT / height, right - left, _PANEL / height))
    _frame(axes, rungs, found.line)
    _rungs(axes, rungs, runs, score)
    _curve_or_bracket(axes, found)
    middle = (left + right) / 2
    label = "learning rate (log scale)"
    figure.text(middle, 0.7 / height, label, ha="center", va="center", color=SOFT)
    _legend(figure, score, found, x=middle, y=0.06 / height)
    return figure


def _x(lr: float) -> float:
    # Rounded, as all that is drawn, so that the last bit of a float never changes the file.
    return round(math.log10(lr), 5)


def _frame(axes: Axes, rungs: Sequence[RungScore], line: float) -> None:
    places = [_x(rung.lr) for rung in rungs] or [0.0]
    low, high = places[0] - _MARGIN, places[-1] + _MARGIN
    axes.set_xlim(low, high)
    axes.set_ylim(-0.05, 1.05)
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    labels: list[str] = []
    labeled = -math.inf
    for rung, place in zip(rungs, places, strict=False):
        # Rungs that stand too close keep their tick and lose their label.
        room = place - labeled >= _LABEL_ROOM * (high - low)
        labels.append(wording.learning_rate(rung.lr) if room else "")
        labeled = place if room else labeled
    axes.set_xticks(places[: len(rungs)], labels)
    axes.tick_params(length=2.5, width=0.7, labelsize=7.5, pad=2)
    axes.set_ylabel("attack rate", color=ATTACK, fontweight="bold")
    axes.axhline(round(line, 4), color=ATTACK, lw=0.8, ls=(0, (1, 2)), zorder=1)
    for rung, place in zip(rungs, places, strict=False):
        if rung.standard:
            _mark_standard(axes, place)


def _mark_standard(axes: Axes, place: float) -> None:
    axes.axvline(place, color=SOFT, lw=0.7, zorder=1)
    axes.text(
        place,
        1.05,
        "standard",
        transform=axes.get_xaxis_transform(),
        fontsize=7.5,
        color="white",
        ha="center",
        va="bottom",
        bbox={"boxstyle": "round,pad=0.25", "facecolor": INK, "edgecolor": "none"},
    )


def _rungs(
    axes: Axes, rungs: Sequence[RungScore], runs: Sequence[RunRate], score: RunScore
) -> None:
    """Every run as a dot and every plateau with its interval; gray where nothing is fitted."""
    low, high = axes.get_xlim()
    for rung in rungs:
        used = is_fitted(rung, score)
        mine = [round(run.rate, 4) for run in runs if run.lr == rung.lr]
        axes.plot([_x(rung.lr)] * len(mine), mine, **_dot(used), zorder=5 if used else 4)
        flat, color = rung.plateau, ATTACK if used else SOFT
        if flat.estimate is None or flat.low is None or flat.high is None:
            continue
        place = round(_x(rung.lr) + _BAR_OFF * (high - low), 5)
        ends = [round(flat.low, 4), round(flat.high, 4)]
        axes.plot([place] * 2, ends, color=color, lw=1.3, marker="_", ms=6, zorder=4)
        face = color if used else "white"
        axes.plot([place], [round(flat.estimate, 4)], **_diamond(color, face), zorder=5)


def _dot(used: bool) -> dict[str, Any]:
    color = ATTACK if used else SOFT
    face = color if used else "none"
    return {"ls": "", "marker": "o", "ms": 4, "mec": color, "mfc": face, "mew": 0.9, "alpha": 0.7}


def _diamond(color: str, face: str) -> dict[str, Any]:
    return {"ls": "", "marker": "D", "ms": 3.2, "mec": color, "mfc": face, "mew": 0.9}


def _curve_or_bracket(axes: Axes, found: DoseResponse) -> None:
    curve = found.curve
    if curve is None:
        if found.bracket is not None:
            axes.axvspan(*map(_x, found.bracket), color=WINDOW, lw=0, zorder=0)
        return
    places = [_x(lr) for lr in curve.lrs]
    low, high = ([round(value, 4) for value in side] for side in (curve.low, curve.high))
    axes.fill_between(places, low, high, color=ATTACK, alpha=0.16, lw=0, zorder=2)
    axes.plot(places, [round(rate, 4) for rate in curve.rates], color=ATTACK, lw=2.0, zorder=3)
    if curve.critical is None:
        return
    line = round(found.line, 4)
    ends = [_x(end) for end in (curve.critical_low, curve.critical_high) if end is not None]
    # An end beyond the rungs has no cap: the line goes on.
    low_end = places[0] if curve.critical_low is None else ends[0]
    high_end = places[-1] if curve.critical_high is None else ends[-1]
    axes.plot([low_end, high_end], [line] * 2, color=INK, lw=1.3, zorder=6)
    axes.plot(ends, [line] * len(ends), color=INK, ls="", marker="|", ms=7, mew=1.3, zorder=6)
    axes.plot([_x(curve.critical)], [line], **_diamond(INK, INK), zorder=6)


def _legend(figure: Figure, score: RunScore, found: DoseResponse, *, x: float, y: float) -> None:
    handles: list[Any] = [
        Line2D([], [], **_dot(used=True)),
        Line2D([], [], color=ATTACK, lw=1.3, marker="D", ms=3.2),
        Line2D([], [], color=ATTACK, lw=0.8, ls=(0, (1, 2))),
    ]
    labels = ["one run, mean in the window", "plateau: 95 % interval", f"retention {score.tau:g}"]
    if any(not is_fitted(rung, score) for rung in score.rungs):
        handles.append(Line2D([], [], **_dot(used=False)))
        labels.append("not shown to be admissible: left out")
    if found.curve is not None:
        handles.append((Patch(color=ATTACK, alpha=0.16, lw=0), Line2D([], [], color=ATTACK, lw=2)))
        labels.append("fitted curve: 95 % band")
        if found.curve.critical is not None:
            handles.append(Line2D([], [], color=INK, lw=1.3, marker="D", ms=3.2))
            labels.append("where it crosses: 95 % interval")
    elif found.bracket is not None:
        handles.append(Patch(color=WINDOW))
        labels.append("the rate falls below the line here")
    figure.legend(
        handles,
        labels,
        loc="lower center",
        bbox_to_anchor=(x, y),
        ncols=2,
        frameon=False,
        fontsize=7.5,
        columnspacing=1.4,
        handletextpad=0.5,
    )
