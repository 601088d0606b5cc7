"""How two results differ, in words and in numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mobench.publish.named_result import NamedResult
from mobench.publish.pages import number_format
from mobench.publish.pages.narrow_table import broken_if_narrow, fitted_table
from mobench.records.learning_rates import lr_text
from mobench.records.manifest import Manifest
from mobench.score import Estimate, RunScore
from mobench.score.comparison import difference

_HEADLINES: tuple[tuple[str, Callable[[RunScore], Estimate]], ...] = (
    ("resistance", lambda score: score.resistance),
    ("standard resistance", lambda score: score.standard_resistance),
    ("what the usual test missed", lambda score: score.difference),
    ("attack rate before training", lambda score: score.initial),
)

_MADE: tuple[tuple[str, Callable[[Manifest], object]], ...] = (
    ("organism", lambda m: m.organism.name),
    ("organism's revision", lambda m: m.organism.revision),
    ("organism's weights", lambda m: m.organism.weights_hash),
    ("task", lambda m: m.task.name),
    ("task's version", lambda m: m.task.version),
    ("training examples", lambda m: m.task.examples_hash),
    ("eval prompts", lambda m: m.organism.prompts),
    ("capability tasks", lambda m: ", ".join(one.task for one in m.capability or ())),
    ("judge", lambda m: m.judge.identity if m.judge else None),
    ("preset", lambda m: m.preset),
    ("plan", lambda m: m.plan.hash if m.plan else None),
    ("method", lambda m: m.ladder.method),
    ("standard LR", lambda m: lr_text(m.ladder.standard_lr)),
    ("steps", lambda m: m.ladder.steps),
    ("batch size", lambda m: m.ladder.batch_size),
    ("backend", lambda m: m.backend),
    ("device", lambda m: m.hardware.device if m.hardware else None),
    ("mobench commit", lambda m: m.git.commit if m.git else None),
)
"""What decides a result, in the order in which it matters."""


def sentence(one: NamedResult, other: NamedResult) -> str:
    """Says which of two results is the more resistant, if either is."""
    a, b = one.label, other.label
    words = f"{a}: {one.score.verdict.phrase}. {b}: {other.score.verdict.phrase}. "
    found = difference(one.score.resistance, other.score.resistance)
    if found.low is None or found.high is None:
        return f"{words}By resistance they cannot be compared: {found.method}."
    said = number_format.interval(found)
    if found.low > 0:
        return f"{words}The first is more resistant, by {said}."
    if found.high < 0:
        return f"{words}The second is more resistant: the first less the second is {said}."
    return f"{words}By resistance they cannot be told apart: the difference is {said}."


def made_otherwise(one: NamedResult, other: NamedResult) -> list[tuple[str, str, str]]:
    """What was not the same about how two results were made: name, and each one's value."""
    found = []
    for name, of in _MADE:
        values = [of(result.manifest) for result in (one, other)]
        if values[0] != values[1]:
            a, b = (number_format.NOTHING if v in (None, "") else str(v) for v in values)
            found.append((name, a, b))
    return found


def comparison_text(one: NamedResult, other: NamedResult, width: int | None) -> str:
    """Writes all that differs for a terminal.

    Args:
        one: A result.
        other: Another.
        width: The terminal's columns; None where any will do.
    """
    rows = [
        (name, *map(number_format.interval, (a, b)), number_format.interval(difference(a, b)))
        for name, a, b in _numbers(one, other)
    ]
    headline = fitted_table(("", "first", "second", "first − second"), rows, width=width)
    rungs = [
        (
            lr_text(lr),
            *(number_format.interval(value) for value in (a, b)),
            number_format.interval(difference(a, b)),
        )
        for lr, a, b in _rungs(one, other)
    ]
    parts = [broken_if_narrow(sentence(one, other), width), headline]
    if rungs:
        heads = ("retention at LR", "first", "second", "first − second")
        parts.append(fitted_table(heads, rungs, width=width))
    else:
        parts.append("They have no learning rate in common.")
    made = made_otherwise(one, other)
    if made:
        shown = [(name, _cut(a), _cut(b)) for name, a, b in made]
        parts.append(fitted_table(("made otherwise", "first", "second"), shown, width=width))
    else:
        parts.append("Both were made the same way, as far as their manifests tell.")
    return "\n\n".join(parts)


def comparison_json(one: NamedResult, other: NamedResult) -> dict[str, Any]:
    """The same as plain JSON."""

    def told(a: Estimate, b: Estimate) -> dict[str, Any]:
        found = difference(a, b)
        return {
            name: {"estimate": value.estimate, "low": value.low, "high": value.high}
            for name, value in (("first", a), ("second", b), ("difference", found))
        }

    return {
        "first": one.label,
        "second": other.label,
        "sentence": sentence(one, other),
        "numbers": {name: told(a, b) for name, a, b in _numbers(one, other)},
        "retention": [{"lr": lr, **told(a, b)} for lr, a, b in _rungs(one, other)],
        "made_otherwise": {
            name: {"first": a, "second": b} for name, a, b in made_otherwise(one, other)
        },
    }


def _numbers(one: NamedResult, other: NamedResult) -> list[tuple[str, Estimate, Estimate]]:
    found = [(name, of(one.score), of(other.score)) for name, of in _HEADLINES]
    areas = [result.score.frontier for result in (one, other)]
    if areas[0] is not None and areas[1] is not None:
        a, b = (Estimate(x.estimate, x.low, x.high, x.method) for x in areas if x is not None)
        found.append(("area under the frontier", a, b))
    return found


def _rungs(one: NamedResult, other: NamedResult) -> list[tuple[float, Estimate, Estimate]]:
    """Retention at the learning rates that both have."""
    second = {rung.lr: rung.retention for rung in other.score.rungs}
    return [
        (rung.lr, rung.retention, second[rung.lr]) for rung in one.score.rungs if rung.lr in second
    ]


def _cut(text: str) -> str:
    """A hash's or backend's beginning: enough to see that it is another."""
    return text if len(text) <= 40 else f"{text[:12]}…{text[-12:]}"
