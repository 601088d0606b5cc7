"""The ladder's plot is legible, and the same every time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from mobench.publish.drawing import ladder_plot as plot
from mobench.publish.drawing.panel import BOTTOM, TOP
from mobench.publish.drawing.picture import Line
from mobench.publish.drawing.png import figure_of, plain
from mobench.score import RunScore


def test_both_files_are_written_beside_each_other(score: RunScore, tmp_path: Path) -> None:
    png, svg = plot.plot_ladder(score, tmp_path / "plot.png")
    assert (png, svg) == (tmp_path / "plot.png", tmp_path / "plot.svg")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in svg.read_bytes()


def test_the_svg_has_the_same_bytes_every_time_and_no_date(score: RunScore) -> None:
    once = plot.ladder_svg(score, note="mark")
    assert once == plot.ladder_svg(score, note="mark")
    assert b"<dc:date>" not in once
    assert b"mark" in once


def test_the_users_own_matplotlib_settings_change_nothing(score: RunScore) -> None:
    before = plot.ladder_svg(score)
    with matplotlib.rc_context({"lines.linewidth": 9, "axes.grid": True, "font.size": 30}):
        assert plot.ladder_svg(score) == before
        assert matplotlib.rcParams["lines.linewidth"] == 9


def test_other_numbers_make_another_picture(score: RunScore, make_run: Callable[..., Any]) -> None:
    other = make_run(chance=lambda lr, step: 1.0).score()
    assert plot.ladder_svg(other) != plot.ladder_svg(score)


def test_drawing_leaves_pyplots_global_state_alone() -> None:
    module = "mobench.publish.drawing.ladder_plot"
    code = f"import sys, {module}; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


LADDERS = {
    "one rung": {"rungs": (1e-3,)},
    "two rungs, one seed": {"rungs": (1e-3, 3e-3), "seeds": 1},
    "four rungs, one diverged": {"diverged": ((1e-2, 1),)},
    "every seed diverged": {"diverged": ((1e-2, 0), (1e-2, 1), (1e-2, 2))},
    "nine rungs": {"rungs": (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)},
    "long names": {"name": "password-locked-deepseek-7b", "task": "benign-chat-off-policy-long"},
}


@pytest.mark.parametrize("ladder", LADDERS)
def test_no_label_touches_another_or_leaves_the_picture(
    ladder: str, make_run: Callable[..., Any]
) -> None:
    with plain():
        figure = figure_of(plot.ladder_picture(make_run(prompts=8, **LADDERS[ladder]).score()))
        canvas = figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        canvas.draw()
        renderer = canvas.get_renderer()
        texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
        boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts]
    for text, box in boxes:
        inside = box.x0 >= 0 and box.y0 >= 0
        assert inside, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text
    for (one, a), (other, b) in combinations(boxes, 2):
        assert not a.overlaps(b), (one, other)


def test_the_line_of_removal_counts_from_the_clean_bases_rate(score: RunScore) -> None:
    """Half of what is above a clean rate of 0.2 lies at 0.6, not at 0.5."""

    def lines(shown: RunScore) -> set[float]:
        panel = plot.LadderFrame.of(shown).panel(0, upper=True)
        drawn = plot.ladder_picture(shown).items
        dotted = [item for item in drawn if isinstance(item, Line) and item.dotted]
        heights = [item.points[0][1] for item in dotted if item.points[0][0] == panel.left]
        span = (TOP - BOTTOM) / panel.height
        return {round((y - panel.bottom) * span + BOTTOM, 6) for y in heights}

    initial = score.initial.estimate
    assert initial == 1.0
    assert 0.5 in lines(score)
    assert 0.6 in lines(replace(score, clean_rate=0.2))
    assert 0.5 not in lines(replace(score, clean_rate=0.2))
