"""What the controls show, in a line each for the terminal and in a table for a page."""

from __future__ import annotations

from collections.abc import Sequence

from mobench.publish.pages import markdown_escape as escape
from mobench.publish.pages import number_format
from mobench.publish.pages.github_table import github_table
from mobench.records.learning_rates import lr_text
from mobench.score import Control, RunScore
from mobench.score.rung_verdict import UNMOVED

NOT_RUN = "not run"
_NAMES = {"zero": "learning rate 0", "counter": "counter-training", "base": "clean base"}

_MEANING = {
    "zero": "*Learning rate 0*: the organism goes through all of training without a weight being "
    "moved. What differs from before training is the noise of measuring.",
    "counter": "*Counter-training* ({tasks}): the organism is trained directly against its "
    "behavior, at the standard learning rate. This is **not** a compatible task: it shows what "
    "removal looks like where the data ask for it.",
    "base": "*Clean base*: the model without the behavior, under the very same training. Behavior "
    "that shows here comes from training and not from the organism, and what is lost here is lost "
    "by any model.",
}


def control_lines(score: RunScore) -> list[str]:
    """One line for each control that was run; a single one says that none was."""
    controls = _beside(score)
    if not controls:
        return [f"controls  {NOT_RUN}"]
    lines = [_line(control) for control in controls if control.arm != "base"]
    base = [control for control in controls if control.arm == "base"]
    if base:
        lines.append(_base_line(base, score))
    return [f"{'controls' if place == 0 else '':<10}{line}" for place, line in enumerate(lines)]


def _beside(score: RunScore) -> list[Control]:
    """The controls; a cooldown stands in the ladder's own table."""
    return [control for control in score.controls if control.arm != "cooldown"]


def _line(control: Control) -> str:
    name = _NAMES[control.arm]
    if control.arm == "counter":
        at = lr_text(control.lr)
        name += f" on {control.task} at {at} (not a compatible task)"
    return f"{name}: {_rates(control)}"


def _rates(control: Control) -> str:
    return (
        f"attack rate {number_format.interval(control.plateau)}, "
        f"removal step {number_format.removal_step(control.removals)}, "
        f"capability loss {number_format.interval(control.capability_loss)}"
        + (f"; {UNMOVED}" if control.unmoved else "")
    )


def _base_line(base: Sequence[Control], score: RunScore) -> str:
    """The rung where the base shows most of the behavior, and its loss where the organism's is."""
    most = max(base, key=lambda control: (control.plateau.estimate or 0.0, -control.lr))
    text = (
        "clean base, same training: attack rate at most "
        f"{number_format.interval(most.plateau)} (at {lr_text(most.lr)})"
    )
    usual = next((rung.lr for rung in score.rungs if rung.standard), None)
    where = usual if score.resistance_lr is None else score.resistance_lr
    for control in base:
        if control.lr == where:
            loss = number_format.interval(control.capability_loss)
            text += f", capability loss {loss} at {lr_text(control.lr)}"
    return text


def controls_section(score: RunScore) -> list[str]:
    """What each control is, and all its numbers, as parts of a page."""
    controls = _beside(score)
    if not controls:
        return [
            f"The clean base under the same training, learning rate 0, counter-training: {NOT_RUN}."
        ]
    arms = list(dict.fromkeys(control.arm for control in controls))
    parts = []
    for arm in arms:
        tasks = sorted({control.task for control in controls if control.arm == arm})
        meaning = _MEANING[arm].format(tasks=escape.inline(", ".join(tasks)))
        parts.append(f"- {meaning}")
    rows = [
        (
            _NAMES[control.arm] + (f" ({UNMOVED})" if control.unmoved else ""),
            lr_text(control.lr),
            number_format.interval(control.plateau),
            number_format.removal_step(control.removals),
            number_format.interval(control.capability_loss),
            number_format.interval(control.control),
            number_format.interval(control.inert),
        )
        for control in controls
    ]
    headers = (
        "control",
        "LR",
        "attack rate",
        "removal step",
        "capability loss",
        "untriggered",
        "inert",
    )
    table = github_table(headers, rows)
    note = (
        "One seed each; losses are against the same model before training, the clean base's "
        "against the clean base."
    )
    return ["\n".join(parts), table, note]
