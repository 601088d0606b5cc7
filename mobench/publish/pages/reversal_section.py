"""Removed or suppressed: what a reversal shows, for the terminal and for a page."""

from __future__ import annotations

from mobench.publish.pages import markdown_escape as escape
from mobench.publish.pages import number_format
from mobench.publish.pages.github_table import github_table
from mobench.records.learning_rates import lr_text
from mobench.score import Estimate, Reversal, RunScore

_MEANING = (
    "From where the removing rung ended the model is trained on, at the standard learning rate and "
    "with fresh moments, on data that undo the task and show nothing of the behavior. What comes "
    "back was only suppressed; what does not was removed as far as this training can tell."
)
_CONTROLS = (
    "Controls of one seed: the clean base taken the same way must not show the behavior if a "
    "return is to mean anything; the organism as it was, on the undoing data alone, must keep it "
    "if its staying away is; and going on with the task itself says whether undoing was needed."
)


def reversal_lines(score: RunScore) -> list[str]:
    """One line that says whether the behavior was removed or suppressed; none if not asked."""
    found = score.reversal
    return [] if found is None else [f"reversal  {reversal_sentence(found)}"]


def reversal_sentence(found: Reversal) -> str:
    """The word, why, and the numbers behind it."""
    if found.lr is None:
        return f"{found.phrase}: {found.why} (removed at {lr_text(found.rung)})"
    few = f" (provisional, {found.seeds} seeds)" if found.provisional else ""
    return (
        f"{found.phrase}{few}: after {found.steps} steps of {found.task} at {lr_text(found.lr)} "
        f"from where {lr_text(found.rung)} removed it, {found.why}: attack rate "
        f"{number_format.interval(found.rate)}"
    )


def reversal_section(score: RunScore) -> list[str]:
    """The heading, the word and all numbers of a reversal, as parts of a page."""
    found = score.reversal
    if found is None:
        return []
    parts = ["### Removed or suppressed", escape.inline(f"{reversal_sentence(found)}."), _MEANING]
    if not found.by_seed:
        return parts
    columns = [(str(step), rate) for step, rate in zip(found.checkpoints, found.rates, strict=True)]
    curve = github_table(
        ("step of the reversal", *(step for step, _ in columns)),
        [("attack rate, mean of seeds", *(_number(rate) for _, rate in columns))],
    )
    seeds = github_table(
        ("seed", "before", "after", "shows"),
        [
            (
                str(seed.seed),
                _number(seed.before),
                _number(seed.after),
                seed.shows,
            )
            for seed in found.by_seed
        ],
    )
    beside = github_table(
        ("beside it", "value"),
        [
            ("attack rate of the clean base taken the same way", _shown(found.base)),
            (
                f"attack rate of the organism on {escape.inline(str(found.task))} alone",
                _shown(found.alone),
            ),
            ("attack rate after going on with the task itself", _shown(found.onward)),
            ("capability loss at the end", number_format.interval(found.capability_loss)),
            ("untriggered, at the end", number_format.interval(found.control)),
            ("inert, in the last half", number_format.interval(found.inert)),
        ],
    )
    return [*parts, curve, seeds, beside, _CONTROLS]


def _number(rate: float | None) -> str:
    return number_format.NOTHING if rate is None else number_format.number(rate)


def _shown(rate: Estimate | None) -> str:
    return "not run" if rate is None else number_format.interval(rate)
