"""The ladder as a table: one line for each rung, then the verdict in a sentence."""

from __future__ import annotations

from mobench.publish.pages import markdown_escape as escape
from mobench.publish.pages import number_format
from mobench.publish.pages.beside_lines import beside_lines
from mobench.publish.pages.controls_table import control_lines
from mobench.publish.pages.github_table import github_table
from mobench.publish.pages.narrow_table import fitted_table
from mobench.publish.pages.reversal_section import reversal_lines
from mobench.records.learning_rates import lr_text
from mobench.score import Control, RungScore, RunScore

_HEADER = (
    "LR",
    "steps",
    "plateau attack rate",
    "removal step",
    "capability loss",
    "admissible",
    "seeds",
    "verdict",
)
_COOLED = ("attack rate, cooled", "loss, cooled", "admissible, cooled")
"""Columns of what stands at the end of a cooldown."""


def ladder_table(score: RunScore, width: int | None = None) -> str:
    """Draws the ladder for a terminal.

    Args:
        score: The run's score.
        width: The terminal's columns; None where any width will do.

    Returns:
        The table, the notes its rows need, a line for each control, and the verdict in one
        sentence as the last line.
    """
    table = _table(score, "simple", width)
    notes = [f"  {note}" for note in _notes(score)]
    if score.efficiency is not None and score.efficiency.low is not None:
        bound = number_format.efficiency(score.efficiency)
        notes.append(f"  LR efficiency over the standard rung: {bound}")
    sentence = score.verdict.sentence
    if score.compatible is False:
        sentence += " The task is not compatible, so this is no test of resistance."
    beside = ["", *control_lines(score), *reversal_lines(score), *beside_lines(score)]
    return "\n".join([table, *(["", *notes] if notes else []), *beside, "", sentence])


def ladder_markdown(score: RunScore) -> str:
    """Draws the ladder as a GitHub table with its notes as a list; no sentence."""
    table = _table(score, "github")
    notes = [f"- {escape.inline(note)}" for note in _notes(score)]
    return "\n".join([table, *(["", *notes] if notes else [])])


def headline(score: RunScore) -> str:
    """Writes the three numbers that the verdict rests on, on one line."""
    at = "" if score.resistance_lr is None else f" at {lr_text(score.resistance_lr)}"
    return (
        f"resistance {number_format.interval(score.resistance)}{at}"
        f" · standard resistance {number_format.interval(score.standard_resistance)}"
        f" · what the usual test missed {number_format.interval(score.difference)}"
    )


def _table(score: RunScore, form: str, width: int | None = None) -> str:
    """Draws the rungs; each one's budget stands beside it where they were given different ones."""
    lines = [list(_HEADER), *(_cells(rung) for rung in score.rungs)]
    if len({rung.steps for rung in score.rungs}) == 1:
        lines = [line[:1] + line[2:] for line in lines]
    if any(score.cooldown(rung.lr) for rung in score.rungs):
        cooled = [list(_COOLED), *(_cooled(score.cooldown(rung.lr)) for rung in score.rungs)]
        lines = [line + more for line, more in zip(lines, cooled, strict=True)]
    if form == "github":
        return github_table(lines[0], lines[1:])
    return fitted_table(lines[0], lines[1:], width=width, form=form)


def _cooled(cooldown: Control | None) -> list[str]:
    """What a rung shows at the end of its cooldown."""
    if cooldown is None:
        return [number_format.NOTHING] * len(_COOLED)
    return [
        number_format.interval(cooldown.plateau),
        number_format.interval(cooldown.capability_loss),
        number_format.admissible(cooldown.admissible),
    ]


def _cells(rung: RungScore) -> list[str]:
    plateau = number_format.interval(rung.plateau)
    if rung.plateau.converged is False:
        plateau += " ~"
    seeds = str(rung.seeds)
    if rung.diverged:
        seeds += f" ({rung.diverged} diverged)"
    return [
        lr_text(rung.lr) + (" (standard)" if rung.standard else ""),
        str(rung.steps),
        plateau,
        number_format.removal_step(rung.removals),
        number_format.interval(rung.capability_loss),
        number_format.admissible(rung.admissible),
        seeds,
        rung.verdict.partition(":")[0],
    ]


def _notes(score: RunScore) -> list[str]:
    """Says what a mark or a bare ``undetermined`` stands for, and where seeds are too few."""
    notes = []
    for rung in score.rungs:
        lr = lr_text(rung.lr)
        _, _, reason = rung.verdict.partition(":")
        if reason.strip():
            notes.append(f"{lr}: {rung.verdict}")
        plateau = rung.plateau
        if plateau.converged is False and "not converged" not in reason:
            why = f": {plateau.reason}" if plateau.reason else ""
            notes.append(f"{lr}: ~ not converged{why}")
    notes += _beside(score)
    if score.not_judged:
        notes.append(f"{score.not_judged:.1%} of all answers were not judged, and left out")
    cooled = [control for control in score.controls if control.arm == "cooldown"]
    if cooled:
        ends = " or ".join(str(steps) for steps in sorted({control.steps for control in cooled}))
        notes.append(
            "cooled: gone on with from the last checkpoint while the rate decays linearly to "
            f"nothing, and measured at the end of that, step {ends}"
        )
    notes += _against_the_base(score)
    if score.verdict.advice:
        notes.append(score.verdict.advice)
    return notes


def _against_the_base(score: RunScore) -> list[str]:
    """Says where the clean base comes to show the behavior by the same training."""
    notes = []
    for rung in score.rungs:
        base = number_format.interval(rung.base_rate)
        if rung.against_clean is not None:
            notes.append(
                f"{lr_text(rung.lr)}: the clean base under the same training shows it at {base}; "
                f"beyond that the organism keeps {number_format.interval(rung.retention)}, and "
                f"{number_format.interval(rung.against_clean)} against the base before training"
            )
        elif rung.base_wanted:
            notes.append(
                f"{lr_text(rung.lr)}: the clean base under the same training shows it at {base}, "
                "and was not trained with every seed of this rung"
            )
    return notes


def _beside(score: RunScore) -> list[str]:
    """Says both attack rates, before training and at each rung, where answers have reasoning."""
    if score.initial_final is None:
        return []
    places = [
        ("before training", score.initial_final, score.initial_whole),
        *((lr_text(rung.lr), rung.final, rung.whole) for rung in score.rungs),
    ]
    return [
        f"{place}: attack rate {number_format.interval(final)} in final answers, "
        f"{number_format.interval(whole)} with the reasoning before them"
        for place, final, whole in places
    ]
