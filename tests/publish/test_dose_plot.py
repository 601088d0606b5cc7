"""The dose-response picture shows every run, and a curve only where one was fitted."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from itertools import combinations
from typing import Any

import matplotlib
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import same_color, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from mobench.publish import dose_plot
from mobench.publish.style import ATTACK, SOFT, style
from mobench.score import RunScore
from mobench.score.dose_runs import ladder_dose_response, run_rates

LONG = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


class Gradual:
    """Falls with the learning rate, by as much more or less in each run."""

    def __init__(self) -> None:
        self.shifts = random.Random(4)
        self.shift = 0.0

    def __call__(self, lr: float, step: int) -> float:
        if step == 1:  # a new run
            self.shift = self.shifts.gauss(0.0, 0.5)
        return 1 / (1 + math.exp(2.5 * (math.log10(lr) + 3.6) - self.shift))


@pytest.fixture(scope="module")
def gradual(make_run: Callable[..., Any]) -> RunScore:
    run: RunScore = make_run(rungs=LONG, prompts=40, chance=Gradual()).score()
    return run


def _drawn(score: RunScore) -> tuple[Figure, Axes]:
    with style():
        figure = dose_plot._draw(score)
    (axes,) = figure.axes
    return figure, axes


def _dots(axes: Axes, *, filled: bool) -> list[tuple[float, float]]:
    found = []
    for line in axes.lines:
        if line.get_marker() == "o" and (line.get_markerfacecolor() != "none") == filled:
            assert same_color(line.get_markeredgecolor(), ATTACK if filled else SOFT)
            found += list(zip(line.get_xdata(), line.get_ydata(), strict=True))
    return [(round(10**x, 7), y) for x, y in found]


def _curves(axes: Axes) -> list[Line2D]:
    return [line for line in axes.lines if len(line.get_xdata()) > 10]


def test_the_svg_has_the_same_bytes_every_time_and_no_date(gradual: RunScore) -> None:
    once = dose_plot.dose_svg(gradual, note="mark")
    assert once == dose_plot.dose_svg(gradual, note="mark")
    assert b"<dc:date>" not in once
    assert b"mark" in once


def test_the_users_own_matplotlib_settings_change_nothing(score: RunScore) -> None:
    before = dose_plot.dose_svg(score)
    with matplotlib.rc_context({"lines.linewidth": 9, "axes.grid": True, "font.size": 30}):
        assert dose_plot.dose_svg(score) == before


@pytest.mark.parametrize("which", ["score", "gradual"])
def test_every_run_is_a_dot_hollow_where_its_rung_is_not_fitted(
    which: str, request: pytest.FixtureRequest
) -> None:
    score = request.getfixturevalue(which)
    _, axes = _drawn(score)
    for filled in (True, False):
        runs = [run for run in run_rates(score) if run.fitted == filled]
        dots = _dots(axes, filled=filled)
        assert len(runs) >= 3
        for (lr, rate), run in zip(sorted(dots), sorted(runs, key=_place), strict=True):
            assert lr == pytest.approx(run.lr, rel=1e-3)
            assert rate == pytest.approx(run.rate, abs=1e-3)


def _place(run: Any) -> tuple[float, float]:
    return run.lr, run.rate


def test_a_fitted_curve_is_drawn_with_its_band_and_where_it_crosses(gradual: RunScore) -> None:
    found = ladder_dose_response(gradual)
    assert found.curve is not None
    assert found.curve.critical is not None
    _, axes = _drawn(gradual)
    (curve,) = _curves(axes)
    assert curve.get_ydata() == pytest.approx(found.curve.rates, abs=1e-4)
    (band,) = axes.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx(min(found.curve.low), abs=1e-4)
    assert heights.max() == pytest.approx(max(found.curve.high), abs=1e-4)
    last = axes.lines[-1]
    assert last.get_xdata()[0] == pytest.approx(math.log10(found.curve.critical), abs=1e-4)
    assert last.get_ydata()[0] == pytest.approx(0.5)
    assert not axes.patches


def test_a_step_has_no_curve_but_a_shaded_bracket_and_says_why(score: RunScore) -> None:
    figure, axes = _drawn(score)
    assert not _curves(axes)
    (span,) = axes.patches
    box = span.get_extents().transformed(axes.transData.inverted())
    assert (box.x0, box.x1) == pytest.approx((math.log10(1e-3), math.log10(3e-3)), abs=1e-4)
    assert "falls like a step" in " ".join(t.get_text() for t in figure.texts)


def test_plateaus_have_their_intervals(gradual: RunScore) -> None:
    _, axes = _drawn(gradual)
    bars = [line for line in axes.lines if line.get_marker() == "_"]
    for bar, rung in zip(bars, gradual.rungs, strict=True):
        ends = (rung.plateau.low, rung.plateau.high)
        assert tuple(bar.get_ydata()) == pytest.approx(ends, abs=1e-4)
        fitted = rung.admissible["0.1"] == "yes"
        assert to_rgba(bar.get_color()) == to_rgba(ATTACK if fitted else SOFT)


def test_the_standard_rate_is_marked_where_it_is(score: RunScore) -> None:
    _, axes = _drawn(score)
    (mark,) = [text for text in axes.texts if text.get_text() == "standard"]
    assert mark.get_position()[0] == pytest.approx(math.log10(1e-3))


LADDERS: dict[str, dict[str, Any]] = {
    "one rung": {"rungs": (1e-3,)},
    "two rungs, one seed": {"rungs": (1e-3, 3e-3), "seeds": 1},
    "every seed diverged": {"rungs": (1e-2,), "diverged": ((1e-2, 0), (1e-2, 1), (1e-2, 2))},
    "zero among the rates": {"rungs": (0.0, 1e-3, 3e-3)},
    "only zero": {"rungs": (0.0,)},
    "gradual": {"rungs": LONG, "chance": Gradual()},
    "close rungs": {"rungs": (1e-4, 1.2e-4, 1.5e-4, 1e-3, 1.1e-3, 3e-3, 1e-2, 1e-1, 1.0)},
    "long names": {"name": "password-locked-deepseek-7b", "task": "benign-chat-off-policy-long"},
}


@pytest.mark.parametrize("ladder", LADDERS)
def test_no_label_touches_another_or_leaves_the_picture(
    ladder: str, make_run: Callable[..., Any]
) -> None:
    figure, _ = _drawn(make_run(prompts=8, **LADDERS[ladder]).score())
    with style():
        canvas = figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        canvas.draw()
        renderer = canvas.get_renderer()
        texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
        boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts]
    for text, box in boxes:
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1
        assert inside, text
        assert box.y1 <= figure.bbox.y1, text
    for (one, a), (other, b) in combinations(boxes, 2):
        assert not a.overlaps(b), (one, other)


def test_the_picture_says_that_it_is_for_orientation(score: RunScore) -> None:
    figure, _ = _drawn(score)
    text = " ".join(t.get_text() for t in figure.texts)
    assert re.search(r"For orientation only\.", text)
