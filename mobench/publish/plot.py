"""The ladder as a picture: attack rate and capability over steps, one column for each rung."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mobench.publish import wording
from mobench.publish.style import ATTACK, BUDGET, CAPABILITY, INK, SOFT, WINDOW, style, svg_bytes
from mobench.score import RungScore, RunScore
from mobench.score.removals import removal_line

_BAR_AT = 1.13  # where the interval stands, right of the last step at 1
_RIGHT_EDGE = 1.24
_ROW = 1.45  # height of one panel, inches
_HEAD_LINE = 0.2
_GAP = 0.28


def plot_ladder(score: RunScore, path: Path) -> tuple[Path, Path]:
    """Draws the ladder twice, as ``path`` with the suffixes ``.png`` and ``.svg``.

    The SVG has the same bytes for the same score and matplotlib version.

    Args:
        score: The scored run, with its curves.
        path: Where to write; its own suffix is ignored.

    Returns:
        The paths of the PNG and of the SVG.
    """
    png, svg = path.with_suffix(".png"), path.with_suffix(".svg")
    with style():
        figure = _draw(score)
        figure.savefig(png, dpi=200)
        figure.savefig(svg, metadata={"Date": None})
    return png, svg


def ladder_svg(score: RunScore, note: str = "") -> bytes:
    """Draws the ladder as the bytes of an SVG.

    Args:
        score: The scored run, with its curves.
        note: Goes into the file's description.
    """
    with style():
        return svg_bytes(_draw(score), note)


def _draw(score: RunScore) -> Figure:
    columns = max(1, len(score.rungs))
    width = max(7.0, min(max(10.0, 1.45 * columns), 0.7 + 3.4 * columns))
    title = f"{score.organism} · {score.task}: {score.verdict.word}"
    subtitle = textwrap.wrap(score.verdict.sentence, width=int(width * 15.5)) or [""]
    head = 0.92 + _HEAD_LINE * len(subtitle)
    wide, diverged = width > 9, any(rung.diverged for rung in score.rungs)
    legend_columns = (4 if diverged else 6) if wide else 3
    foot = 0.78 + (0 if legend_columns == 6 else 0.2) + (0.2 if diverged and not wide else 0)
    height = head + 2 * _ROW + _GAP + foot
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    left, right = 0.62 / width, 1 - 0.12 / width
    grid = figure.add_gridspec(
        2,
        columns,
        left=left,
        right=right,
        top=1 - head / height,
        bottom=foot / height,
        wspace=0.1,
        hspace=_GAP / _ROW,
    )
    size = min(12.0, 12.0 * width * 8.0 / len(title))
    figure.text(0.12 / width, 1 - 0.12 / height, title, fontsize=size, fontweight="bold", va="top")
    for i, line in enumerate(subtitle):
        top = 1 - (0.4 + _HEAD_LINE * i) / height
        figure.text(0.12 / width, top, line, fontsize=8.5, color=SOFT, va="top")
    for column, rung in enumerate(score.rungs):
        attack = figure.add_subplot(grid[0, column])
        capability = figure.add_subplot(grid[1, column])
        _attack_panel(attack, score, rung)
        _capability_panel(capability, score, rung)
        _heading(attack, rung)
        for axes in (attack, capability):
            _frame(axes, score, rung, first=column == 0)
        attack.set_xticklabels([])
        if column == 0:
            attack.set_ylabel("attack rate", color=ATTACK, fontweight="bold")
            capability.set_ylabel("capability", color=CAPABILITY, fontweight="bold")
    middle = (left + right) / 2
    figure.text(
        middle,
        (foot - 0.36) / height,
        "training step (square-root scale)",
        ha="center",
        va="center",
        color=SOFT,
    )
    _legend(figure, score, x=middle, y=0.04 / height, columns=legend_columns)
    return figure


def _attack_panel(axes: Axes, score: RunScore, rung: RungScore) -> None:
    start = score.initial.estimate
    if start is not None:
        line = removal_line(start, score.clean_rate, score.tau)
        axes.axhline(line, color=ATTACK, lw=0.8, ls=(0, (1, 2)), zorder=1)
    _curves(axes, score, rung, "attack", ATTACK)
    plateau = rung.plateau
    _bar(axes, plateau.estimate, plateau.low, plateau.high, ATTACK)


def _capability_panel(axes: Axes, score: RunScore, rung: RungScore) -> None:
    start = _capability_before(score)
    if start is not None:
        axes.axhspan(start - score.epsilon, start, color=BUDGET, lw=0, zorder=1)
    _curves(axes, score, rung, "capability", CAPABILITY)
    loss = rung.capability_loss
    if start is not None and loss.estimate is not None:
        low = None if loss.high is None else start - loss.high
        high = None if loss.low is None else start - loss.low
        _bar(axes, start - loss.estimate, low, high, CAPABILITY)


def _capability_before(score: RunScore) -> float | None:
    """The organism's capability before training: every capability curve starts there."""
    for curve in score.curves:
        if curve.kind == "capability" and curve.steps and curve.steps[0] == 0:
            return round(curve.values[0], 4)
    return None


def _curves(axes: Axes, score: RunScore, rung: RungScore, kind: str, color: str) -> None:
    """Draws every seed as a thin line and the mean of those that finished as a thick one.

    Capability is measured at few checkpoints: dots show where, so that the straight line
    between two of them is not taken for a measurement.
    """
    dots: dict[str, Any] = {"marker": "o", "ms": 3.2} if kind == "capability" else {}
    mine = [c for c in score.curves if c.kind == kind and c.lr == rung.lr and c.steps]
    for curve in mine:
        xs, ys = _points(curve.steps, curve.values, score.steps)
        if len(mine) > 1:
            axes.plot(xs, ys, color=color, lw=0.8, alpha=0.45, zorder=3)
        else:
            axes.plot(xs, ys, color=color, lw=1.6, zorder=4, **dots)
        if rung.diverged and curve.steps[-1] < _budget(score, rung):
            axes.plot(xs[-1:], ys[-1:], marker="x", ms=5, color=color, zorder=5, ls="")
    last = max((curve.steps[-1] for curve in mine), default=0)
    finished = [curve for curve in mine if curve.steps[-1] == last]
    if len(mine) > 1 and len(finished) >= rung.seeds > 0:
        by_step = [dict(zip(curve.steps, curve.values, strict=True)) for curve in finished]
        shared = sorted(set.intersection(*(set(values) for values in by_step)))
        means = [sum(values[step] for values in by_step) / len(by_step) for step in shared]
        axes.plot(*_points(shared, means, score.steps), color=color, lw=2.0, zorder=4, **dots)


def _points(
    steps: Sequence[int], values: Sequence[float], budget: int
) -> tuple[list[float], list[float]]:
    # Rounded, so that the last bit of a float never changes the file.
    return [_x(step, budget) for step in steps], [round(value, 4) for value in values]


def _x(step: float, budget: int) -> float:
    """The place of a step, 0 to 1: a square root shows both step 1 and the last half."""
    return float(round((step / budget) ** 0.5, 5))


def _bar(
    axes: Axes, estimate: float | None, low: float | None, high: float | None, color: str
) -> None:
    """Draws an estimate with its interval right of the curves; nothing without an interval."""
    if estimate is None or low is None or high is None:
        return
    low, high = max(round(low, 4), -0.05), min(round(high, 4), 1.05)
    axes.plot([_BAR_AT] * 2, [low, high], color=color, lw=1.3, marker="_", ms=7, zorder=4)
    axes.plot([_BAR_AT], [round(estimate, 4)], marker="D", ms=3.4, color=color, ls="", zorder=5)


def _budget(score: RunScore, rung: RungScore) -> int:
    """The last step of the rung's finished seeds."""
    if not rung.seeds:
        return score.steps
    mine = [c for c in score.curves if c.kind == "attack" and c.lr == rung.lr and c.steps]
    return max((curve.steps[-1] for curve in mine), default=score.steps)


def _frame(axes: Axes, score: RunScore, rung: RungScore, *, first: bool) -> None:
    budget = _budget(score, rung)
    start, end = _x(budget / 2, score.steps), _x(budget, score.steps)
    axes.axvspan(start, end, color=WINDOW, lw=0, zorder=0)
    axes.set_xlim(-0.02, _RIGHT_EDGE)
    axes.set_ylim(-0.05, 1.05)
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"] if first else ["", "", ""])
    ticks = sorted({0, score.steps // 16, score.steps // 4, score.steps})
    axes.set_xticks([_x(step, score.steps) for step in ticks], [str(step) for step in ticks])
    axes.tick_params(length=2.5, width=0.7, labelsize=7.5, pad=2)


def _heading(axes: Axes, rung: RungScore) -> None:
    lr = wording.learning_rate(rung.lr)
    verdict = rung.verdict.partition(":")[0]
    axes.text(
        0.0, 1.2, f"LR {lr}", transform=axes.transAxes, fontsize=9.5, fontweight="bold", va="bottom"
    )
    if rung.standard:
        axes.text(
            1.0,
            1.21,
            "standard",
            transform=axes.transAxes,
            fontsize=7.5,
            color="white",
            ha="right",
            va="bottom",
            bbox={"boxstyle": "round,pad=0.25", "facecolor": INK, "edgecolor": "none"},
        )
    axes.text(0.0, 1.05, verdict, transform=axes.transAxes, fontsize=8.5, va="bottom")


def _legend(figure: Figure, score: RunScore, *, x: float, y: float, columns: int) -> None:
    def both(**style: Any) -> tuple[Line2D, Line2D]:
        return Line2D([], [], color=ATTACK, **style), Line2D([], [], color=CAPABILITY, **style)

    single = max((rung.seeds for rung in score.rungs), default=1) == 1
    handles: list[Any] = [] if single else [both(lw=0.8, alpha=0.5)]
    handles += [
        both(lw=1.6 if single else 2.0),
        both(lw=1.3, marker="D", ms=3.4),
        Patch(color=WINDOW),
        Line2D([], [], color=ATTACK, lw=0.8, ls=(0, (1, 2))),
        Patch(color=BUDGET),
    ]
    labels = ["one seed"] if single else ["each seed", "mean of seeds"]
    labels += [
        "plateau, loss: 95 % interval",
        "window of the plateau",
        f"{score.tau:g} × rate before training"
        if score.clean_rate == 0.0
        else f"retention {score.tau:g}",
        f"loss budget {score.epsilon:g}",
    ]
    if any(rung.diverged for rung in score.rungs):
        handles.append(both(ls="", marker="x", ms=5))
        labels.append("diverged here")
    figure.legend(
        handles,
        labels,
        loc="lower center",
        bbox_to_anchor=(x, y),
        ncols=columns,
        frameon=False,
        fontsize=7.5,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.4)},
        columnspacing=1.4,
        handletextpad=0.5,
    )
