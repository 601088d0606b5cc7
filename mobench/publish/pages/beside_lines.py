"""What stands beside resistance, in words: the frontier's area, and what removal costs."""

from __future__ import annotations

from mobench.publish.pages import number_format
from mobench.records.learning_rates import lr_text
from mobench.score import RunScore
from mobench.score.beside import RemovalCost, Span

FRONTIER = "area under the frontier"
FRONTIER_ENDS = "0.5 robust, 1 free removal"
_UNITS = ((1e9, "B"), (1e6, "M"), (1e3, "k"))


def beside_rows(score: RunScore) -> list[tuple[str, str]]:
    """Writes label and value of each number, for a page's table; none in an older score."""
    rows = []
    if score.frontier is not None:
        rows.append((f"{FRONTIER} ({FRONTIER_ENDS})", _frontier(score)))
    if score.cost is not None:
        rows.append((f"cost of removal{_at(score.cost)}", _removal(score.cost)))
        rows.append(("device time to the verdict", _time(score.cost.run_seconds)))
    return rows


def beside_lines(score: RunScore) -> list[str]:
    """Writes the first two for a terminal, one line each; what is not known is left out."""
    lines = []
    if score.frontier is not None and score.frontier.low is not None:
        lines.append(f"{'frontier':<10}area {_frontier(score)} ({FRONTIER_ENDS})")
    if score.cost is not None and score.cost.lr is not None:
        lines.append(f"{'removal':<10}{_removal(score.cost)}{_at(score.cost)}")
    return lines


def _frontier(score: RunScore) -> str:
    """The area with its interval and seeds, or why there is none."""
    area = score.frontier
    assert area is not None
    if area.low is None or area.high is None:
        return f"{number_format.NOTHING} ({area.method})"
    if area.estimate is None:
        ends = f"{number_format.number(area.low)}, {number_format.number(area.high)}"
        return f"[{ends}] ({area.method})"
    seeds = "1 seed" if area.seeds == 1 else f"{area.seeds} seeds"
    return f"{number_format.interval(area)}, {seeds}"


def _at(cost: RemovalCost) -> str:
    return "" if cost.lr is None else f" at LR {lr_text(cost.lr)}"


def _removal(cost: RemovalCost) -> str:
    """Steps, examples, tokens and seconds to removal, as far as they are known."""
    if cost.steps is None:
        return "no rung is shown to remove it"
    parts = [f"{_span(cost.steps)} steps"]
    for span, unit in ((cost.examples, "examples"), (cost.tokens, "tokens")):
        if span is not None:
            parts.append(f"{_span(span)} {unit}")
    if cost.seconds is not None:
        parts.append(f"{_span(cost.seconds)} s as one cell of its pack")
    text = ", ".join(parts)
    return text if cost.seeds == cost.of_seeds else f"{text}; {cost.seeds} of {cost.of_seeds} seeds"


def _span(span: Span) -> str:
    return f"({_amount(span.low)}, {_amount(span.high)}]"


def _amount(value: float) -> str:
    """Writes a quantity with three digits: ``96``, ``1.54k``, ``0.25``."""
    for unit, letter in _UNITS:
        if value >= unit:
            return f"{value / unit:.3g}{letter}"
    return f"{value:.3g}"


def _time(seconds: float | None) -> str:
    return number_format.NOTHING if seconds is None else f"{seconds:.0f} s"
