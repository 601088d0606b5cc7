"""The dose-response picture shows every run, and a curve only where one was fitted."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import matplotlib
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from mobench.publish.drawing import dose_plot
from mobench.publish.drawing.panel import BOTTOM, TOP
from mobench.publish.drawing.picture import Area, Box, Item, Line, Marks, Point, TextLine
from mobench.publish.drawing.png import figure_of, plain
from mobench.publish.drawing.style import ATTACK, SOFT, WINDOW
from mobench.score import RunScore
from mobench.score.run_dose_response import ladder_dose_response, run_rates

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


class Drawn:
    """The picture of a score, read back in learning rates and attack rates."""

    def __init__(self, score: RunScore) -> None:
        found = ladder_dose_response(score)
        self.panel = dose_plot.DoseFrame.of(score, found).panel
        self.picture = dose_plot.dose_picture(score, found)
        # The legend stands below the panel.
        self.items = [item for item in self.picture.items if _height(item) >= self.panel.bottom]

    def read(self, points: Sequence[Point]) -> list[tuple[float, float]]:
        """log₁₀ of the learning rate, and attack rate."""
        panel = self.panel
        across, up = (panel.end - panel.start) / panel.width, (TOP - BOTTOM) / panel.height
        return [
            ((x - panel.left) * across + panel.start, (y - panel.bottom) * up + BOTTOM)
            for x, y in points
        ]

    def marks(self, shape: str) -> list[Marks]:
        return [item for item in self.items if isinstance(item, Marks) and item.shape == shape]

    def dots(self, *, filled: bool) -> list[tuple[float, float]]:
        chosen = [mark for mark in self.marks("o") if (mark.face != "") == filled]
        assert {mark.color for mark in chosen} <= {ATTACK if filled else SOFT}
        places = self.read([point for mark in chosen for point in mark.points])
        return [(round(10**x, 7), y) for x, y in places]

    def curves(self) -> list[Line]:
        return [item for item in self.items if isinstance(item, Line) and len(item.points) > 10]

    def texts(self) -> list[str]:
        return [item.text for item in self.picture.items if isinstance(item, TextLine)]


def _height(item: Item) -> float:
    if isinstance(item, TextLine):
        return item.at[1]
    return item.low[1] if isinstance(item, Box) else item.points[0][1]


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
    drawn = Drawn(score)
    for filled in (True, False):
        runs = [run for run in run_rates(score) if run.fitted == filled]
        dots = drawn.dots(filled=filled)
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
    drawn = Drawn(gradual)
    (curve,) = drawn.curves()
    rates = [rate for _, rate in drawn.read(curve.points)]
    assert rates == pytest.approx(found.curve.rates, abs=1e-4)
    (band,) = [item for item in drawn.items if isinstance(item, Area)]
    edge = [rate for _, rate in drawn.read(band.points)]
    assert edge[: len(rates)] == pytest.approx(found.curve.low, abs=1e-4)
    assert edge[: len(rates) - 1 : -1] == pytest.approx(found.curve.high, abs=1e-4)
    ((x, rate),) = drawn.read(drawn.marks("D")[-1].points)
    assert x == pytest.approx(math.log10(found.curve.critical), abs=1e-4)
    assert rate == pytest.approx(0.5)
    assert not [item for item in drawn.items if isinstance(item, Box) and item.color == WINDOW]


def test_a_step_has_no_curve_but_a_shaded_bracket_and_says_why(score: RunScore) -> None:
    drawn = Drawn(score)
    assert not drawn.curves()
    (span,) = [item for item in drawn.items if isinstance(item, Box) and item.color == WINDOW]
    ends = [x for x, _ in drawn.read([span.low, span.high])]
    assert ends == pytest.approx((math.log10(1e-3), math.log10(3e-3)), abs=1e-4)
    assert "falls like a step" in " ".join(drawn.texts())


def test_plateaus_have_their_intervals(gradual: RunScore) -> None:
    drawn = Drawn(gradual)
    for bar, rung in zip(drawn.marks("_"), gradual.rungs, strict=True):
        ends = (rung.plateau.low, rung.plateau.high)
        assert [rate for _, rate in drawn.read(bar.points)] == pytest.approx(ends, abs=1e-4)
        fitted = rung.admissible["0.1"] == "yes"
        assert bar.color == (ATTACK if fitted else SOFT)


def test_the_standard_rate_is_marked_where_it_is(score: RunScore) -> None:
    drawn = Drawn(score)
    lines = [item for item in drawn.items if isinstance(item, TextLine)]
    (mark,) = [line for line in lines if line.text == "standard"]
    ((x, _),) = drawn.read([mark.at])
    assert x == pytest.approx(math.log10(1e-3))


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
    picture = Drawn(make_run(prompts=8, **LADDERS[ladder]).score()).picture
    with plain():
        figure = figure_of(picture)
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
    text = " ".join(Drawn(score).texts())
    assert re.search(r"For orientation only\.", text)
