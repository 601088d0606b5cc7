"""The two small plots of a page: what is where, and the same bytes every time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from mobench.publish.drawing.frontier_plot import frontier_picture, frontier_svg, upper_hull
from mobench.publish.drawing.ladder_plot import ladder_picture
from mobench.publish.drawing.picture import Area, Line, Marks, Picture
from mobench.publish.drawing.png import figure_of, plain
from mobench.publish.drawing.removal_plot import removal_picture, removal_svg
from mobench.score import RunScore

LADDERS = {
    "one rung": {"rungs": (1e-3,)},
    "four rungs, one diverged": {"diverged": ((1e-2, 1),)},
    "nine rungs": {"rungs": (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)},
    "long names": {"name": "password-locked-deepseek-7b", "task": "benign-chat-off-policy-long"},
}
PICTURES: dict[str, Callable[[RunScore], Picture]] = {
    "narrow ladder": lambda score: ladder_picture(score, narrow=True),
    "frontier": lambda score: frontier_picture(score, chance=0.25),
    "removal": removal_picture,
}


@pytest.mark.parametrize("ladder", LADDERS)
@pytest.mark.parametrize("name", PICTURES)
def test_no_label_touches_another_or_leaves_the_picture(
    name: str, ladder: str, make_run: Callable[..., Any]
) -> None:
    with plain():
        figure = figure_of(PICTURES[name](make_run(prompts=8, **LADDERS[ladder]).score()))
        canvas = figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        canvas.draw()
        renderer = canvas.get_renderer()
        texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
        boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts]
    for text, box in boxes:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text
    for (one, a), (other, b) in combinations(boxes, 2):
        assert not a.overlaps(b), (one, other)


def test_letters_are_legible_on_a_phone(score: RunScore) -> None:
    """A page is 368 CSS pixels wide there, which is 276 points: little is left to shrink."""
    for draw in PICTURES.values():
        assert 276 / draw(score).width > 0.9


def test_the_narrow_ladder_has_two_rungs_in_a_row(score: RunScore) -> None:
    heads = [
        item.at
        for item in ladder_picture(score, narrow=True).items
        if getattr(item, "text", "").startswith("LR ")
    ]
    assert len(heads) == 4
    assert heads[0][1] == heads[1][1] > heads[2][1] == heads[3][1]
    assert heads[0][0] == heads[2][0] < heads[1][0] == heads[3][0]


def test_the_same_score_gives_the_same_bytes(score: RunScore, make_run: Callable[..., Any]) -> None:
    for draw in (frontier_svg, removal_svg):
        assert draw(score, "mark") == draw(make_run().score(), "mark")
        assert draw(score) != draw(make_run(chance=lambda lr, step: 1.0).score())


def test_the_frontier_goes_over_the_best_points() -> None:
    points = [(0.0, 0.2), (0.1, 0.9), (0.5, 0.5), (1.0, 0.95), (0.1, 0.3), (0.6, 0.93)]
    assert upper_hull(points) == [(0.0, 0.2), (0.1, 0.9), (0.6, 0.93), (1.0, 0.95)]


def test_the_frontier_is_drawn_only_where_chance_is_known(score: RunScore) -> None:
    def hulls(chance: float | None) -> int:
        items = frontier_picture(score, chance=chance).items
        return sum(isinstance(item, Line) and item.alpha == 0.55 for item in items)

    assert (hulls(0.25), hulls(None)) == (2, 0), "the frontier, and the legend"


def test_a_run_that_kept_the_behavior_is_open_and_one_that_lost_it_a_line(score: RunScore) -> None:
    items = removal_picture(score).items
    open_ = [i for i in items if isinstance(i, Marks) and i.shape == "o" and i.face == "#ffffff"]
    assert len(open_) - 1 == 6, "three seeds at each of two rungs, and the legend"
    ends = [item for item in items if isinstance(item, Marks) and item.shape == "_"]
    assert len(ends) - 1 == 6


def test_the_band_falls_in_proportion_to_the_learning_rate(score: RunScore) -> None:
    """Twice the rate, half the steps: in the picture a straight line from rung to rung."""
    picture = removal_picture(score)
    (band,) = [item for item in picture.items if isinstance(item, Area)]
    upper = band.points[len(band.points) // 2 :]
    inside = [p for p in upper if abs(p[1] - upper[0][1]) > 1 and abs(p[1] - upper[-1][1]) > 1]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(inside)]
    assert max(slopes) < 0
    assert max(slopes) - min(slopes) < 0.02


def test_without_a_rung_that_removes_it_there_is_no_band(score: RunScore) -> None:
    kept = tuple(rung for rung in score.rungs if rung.lr < 2e-3)
    items = removal_picture(replace(score, rungs=kept)).items
    assert not [item for item in items if isinstance(item, Area)]
