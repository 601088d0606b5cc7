"""Where the parts of the ladder's picture go: all rungs in a row, or on a phone two."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from mobench.publish.drawing.panel import Panel
from mobench.score import RunScore

_LEFT_EDGE, _RIGHT_EDGE = -0.02, 1.24
INCH = 72.0
_ROW = 1.45 * INCH  # height of one panel
_GAP = 0.28 * INCH
HEAD_LINE = 0.2 * INCH
MARGIN = 0.12 * INCH
_LEFT = 0.62 * INCH
_BETWEEN = 0.1  # of a panel's width
_NARROW = 3.9 * INCH  # a phone's width less the margins of a page
_NARROW_COLUMNS = 2
_NARROW_ROW = 0.95 * INCH
_NARROW_GAP = 0.16 * INCH
_BLOCK_GAP = 0.72 * INCH  # ticks below one row of rungs, headings above the next
TITLE_LINE = 0.19 * INCH
_TITLE_LETTERS = 40  # in a line of the narrow picture
LR_OFF, VERDICT_OFF = 0.2 * _ROW, 0.05 * _ROW


@dataclass(frozen=True)
class LadderFrame:
    """Where everything goes, in points.

    Attributes:
        width: Of the picture.
        height: Of the picture.
        columns: How many rungs stand side by side.
        rows: How many rows of them there are.
        row: Height of one panel.
        gap: Between a rung's two panels.
        foot: Room below the panels.
        title: The title, line by line.
        subtitle: The verdict's sentence, line by line; the narrow picture has none.
        legend_columns: How many columns the legend has.
    """

    width: float
    height: float
    columns: int
    rows: int
    row: float
    gap: float
    foot: float
    title: tuple[str, ...]
    subtitle: tuple[str, ...]
    legend_columns: int

    @staticmethod
    def of(score: RunScore, *, narrow: bool = False) -> LadderFrame:
        """Makes room for what a score has to say."""
        return _narrow_frame(score) if narrow else _wide_frame(score)

    @property
    def middle(self) -> float:
        """Halfway across the panels."""
        return (_LEFT + self.width - MARGIN) / 2

    def panel(self, number: int, *, upper: bool) -> Panel:
        """A rung's panel: the upper one for attack rates, the lower one for capability."""
        room = self.width - _LEFT - MARGIN
        width = room / (self.columns + _BETWEEN * (self.columns - 1))
        row, column = divmod(number, self.columns)
        left = _LEFT + column * width * (1 + _BETWEEN)
        bottom = self.foot + (self.row + self.gap if upper else 0.0)
        bottom += (self.rows - 1 - row) * (2 * self.row + self.gap + _BLOCK_GAP)
        return Panel(left, bottom, width, self.row, _LEFT_EDGE, _RIGHT_EDGE)


def _wide_frame(score: RunScore) -> LadderFrame:
    """All rungs in one row."""
    columns = max(1, len(score.rungs))
    inches = max(7.0, min(max(10.0, 1.45 * columns), 0.7 + 3.4 * columns))
    subtitle = tuple(textwrap.wrap(score.verdict.sentence, width=int(inches * 15.5)))
    wide, diverged = inches > 9, any(rung.diverged for rung in score.rungs)
    legend_columns = (4 if diverged else 6) if wide else 3
    rows = (0 if legend_columns == 6 else 1) + (1 if diverged and not wide else 0)
    foot = (0.78 + 0.2 * rows) * INCH
    head = 0.92 * INCH + HEAD_LINE * max(1, len(subtitle))
    height = head + 2 * _ROW + _GAP + foot
    return LadderFrame(
        width=inches * INCH,
        height=height,
        columns=columns,
        rows=1,
        row=_ROW,
        gap=_GAP,
        foot=foot,
        title=(_title(score),),
        subtitle=subtitle,
        legend_columns=legend_columns,
    )


def _narrow_frame(score: RunScore) -> LadderFrame:
    """Two rungs in a row, and as many rows as that takes."""
    columns = _NARROW_COLUMNS
    rows = max(1, -(-len(score.rungs) // columns))
    title = tuple(textwrap.wrap(_title(score), width=_TITLE_LETTERS))
    foot = (1.1 + 0.2 * any(rung.diverged for rung in score.rungs)) * INCH
    head = 0.6 * INCH + TITLE_LINE * len(title)
    panels = rows * (2 * _NARROW_ROW + _NARROW_GAP) + (rows - 1) * _BLOCK_GAP
    return LadderFrame(
        width=_NARROW,
        height=head + panels + foot,
        columns=columns,
        rows=rows,
        row=_NARROW_ROW,
        gap=_NARROW_GAP,
        foot=foot,
        title=title,
        subtitle=(),
        legend_columns=2,
    )


def _title(score: RunScore) -> str:
    return f"{score.organism} · {score.task}: {score.verdict.phrase}"
