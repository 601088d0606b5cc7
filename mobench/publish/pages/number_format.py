"""How a number is written, the same way in the terminal, on pages and in plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from mobench.records.learning_rates import lr_text
from mobench.score import Efficiency, Removal
from mobench.score.dose_response import DoseResponse

NOTHING = "—"
NO_INTERVAL = "no interval"


class HasInterval(Protocol):
    """Anything with an estimate and two ends: an ``Estimate`` or a ``Plateau``."""

    @property
    def estimate(self) -> float | None: ...  # noqa: D102
    @property
    def low(self) -> float | None: ...  # noqa: D102
    @property
    def high(self) -> float | None: ...  # noqa: D102


def number(value: float) -> str:
    """Writes a rate with two decimals, never ``-0.00``."""
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text


def interval(value: HasInterval | None) -> str:
    """Writes ``0.98 [0.93, 1.00]``; a number without an interval is withheld.

    Returns:
        The estimate with its interval, ``no interval`` where there is an estimate alone,
        and a dash where there is neither.
    """
    if value is None or value.estimate is None:
        return NOTHING
    if value.low is None or value.high is None:
        return NO_INTERVAL
    return f"{number(value.estimate)} [{number(value.low)}, {number(value.high)}]"


def efficiency(value: Efficiency | None) -> str:
    """Writes E, how much more a step does than its learning rate explains, as an interval."""
    if value is None or value.low is None:
        return NOTHING
    if value.lower_bound_only or value.high is None:
        text = f"≥ {value.low:.1f}"
    else:
        text = f"[{value.low:.1f}, {value.high:.1f}]"
    if value.needed_steps is not None and value.budget_reached is not None:
        given = "was" if value.budget_reached else "was not"
        text += f"; the standard rung {given} given 6·N·S = {value.needed_steps:.0f} steps"
    return text


def removal_step(removals: Sequence[Removal]) -> str:
    """Writes over which steps the behavior went, over all seeds; never a single step.

    A seed's removal lies in (previous checkpoint, this one]. The union over seeds is
    written: ``(32, 64]``; ``> 256`` where no seed lost the behavior by the last checkpoint, 256;
    ``(32, 64] in 2 of 3 seeds`` where some did. ``returned`` says that in some
    seed the rate had fallen below the threshold and came back.
    """
    measured = [r for r in removals if r.low is not None]
    if not measured:
        return NOTHING
    lows = [r.low for r in measured if not r.censored and r.low is not None]
    highs = [r.high for r in measured if not r.censored and r.high is not None]
    if lows and highs:
        text = f"({min(lows)}, {max(highs)}]"
        if len(lows) < len(measured):
            text += f" in {len(lows)} of {len(measured)} seeds"
    else:
        text = f"> {min(r.low for r in measured if r.low is not None)}"
    returned = sum(r.returned for r in measured)
    if returned:
        text += ", returned" if len(measured) == 1 else f", returned in {returned}"
    return text


def admissible(by_budget: Mapping[str, str]) -> str:
    """Writes whether the capability loss is within budget: one word if all budgets agree."""
    answers = set(by_budget.values())
    if not answers:
        return NOTHING
    if len(answers) == 1:
        return answers.pop()
    return ", ".join(f"{by_budget[eps]} at {eps}" for eps in sorted(by_budget, key=float))


def parameters(count: float | None) -> str:
    """Writes a model's size: ``93k``, ``135M``, ``6.7B``."""
    if count is None:
        return NOTHING
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            digits = 1 if count < 10 * unit else 0
            return f"{count / unit:.{digits}f}".removesuffix(".0") + letter
    return f"{count:.0f}"


def dose(found: DoseResponse) -> str:
    """Writes where the attack rate crosses the line, or why no curve says it."""
    line, curve = number(found.line), found.curve
    if curve is None:
        where = f"no two rungs enclose a fall below {line}"
        if found.bracket is not None:
            low, high = map(lr_text, found.bracket)
            where = f"the rate falls below {line} between LR {low} and {high}"
        return f"No curve is fitted: {found.reason}; {where}."
    bottom, top = _rounded(curve.lrs[0]), _rounded(curve.lrs[-1])
    if curve.critical is None:
        return f"The fitted curve does not cross {line} between LR {bottom} and {top}."
    low = f"below {bottom}" if curve.critical_low is None else _rounded(curve.critical_low)
    high = f"above {top}" if curve.critical_high is None else _rounded(curve.critical_high)
    at = f"{_rounded(curve.critical)} [{low}, {high}]"
    return f"The fitted curve crosses {line} at LR {at}."


def _rounded(lr: float) -> str:
    return lr_text(float(f"{lr:.1e}"))
