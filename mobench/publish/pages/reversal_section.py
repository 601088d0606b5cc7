"""Suppressed or removed: what a reversal shows, for the terminal and for a page."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from mobench.publish.pages import markdown_escape as escape
from mobench.publish.pages import number_format
from mobench.records.learning_rates import lr_text
from mobench.score import RunScore
from mobench.score.reversal import Reversal
from mobench.score.scores import Estimate

_MEANING = (
    "*Suppressed or removed?* From where the removing rung ended, the model is trained on, at the "
    "standard learning rate and with fresh moments, on data that undo the task and show nothing "
    "of the behavior. What comes back was only suppressed; what does not was removed as far as "
    "this training can tell."
)
_CONTROLS = (
    "Two controls of one seed: the clean base after the same training, reversed alike, must not "
    "show the behavior if a return is to mean anything; and the organism itself, on the undoing "
    "data alone, must keep it if its staying away is."
)


def reversal_lines(score: RunScore) -> list[str]:
    """One line that says whether the behavior was removed or suppressed; none if not asked."""
    found = score.reversal
    return [] if found is None else [f"reversal  {reversal_sentence(found)}"]


def reversal_sentence(found: Reversal) -> str:
    """The word, why, and the numbers behind it."""
    if not found.seeds:
        return f"{found.phrase}: {found.reason} (removed at {lr_text(found.lr)})"
    few = f", provisional ({len(found.seeds)} seeds)" if found.provisional else ""
    return (
        f"{found.phrase}{few}: {found.reason}, after {found.steps} steps of {found.task} at "
        f"{lr_text(found.reversal_lr or 0.0)} from the end of {lr_text(found.lr)}: attack rate "
        f"{number_format.interval(found.rate)}; so reversed, the clean base "
        f"{_shown(found.base)}; on {found.task} alone, the organism {_shown(found.alone)}"
    )


def reversal_section(score: RunScore) -> list[str]:
    """The heading, the word and all numbers of a reversal, as parts of a page."""
    found = score.reversal
    if found is None:
        return []
    parts = ["### Suppressed or removed", escape.inline(f"{reversal_sentence(found)}."), _MEANING]
    if not found.seeds:
        return parts
    columns = [(str(step), rate) for step, rate in zip(found.checkpoints, found.rates, strict=True)]
    curve = _table(
        ("step of the reversal", *(step for step, _ in columns)),
        [("attack rate, mean of seeds", *(_number(rate) for _, rate in columns))],
    )
    seeds = _table(
        ("seed", "before", "after", "shows"),
        [
            (
                str(seed.seed),
                _number(seed.before),
                _number(seed.after),
                seed.shows,
            )
            for seed in found.seeds
        ],
    )
    beside = _table(
        ("at its end", "value"),
        [
            ("capability loss", number_format.interval(found.capability_loss)),
            ("untriggered", number_format.interval(found.control)),
            ("inert, in its last half", number_format.interval(found.inert)),
        ],
    )
    return [*parts, curve, seeds, beside, _CONTROLS]


def _number(rate: float | None) -> str:
    return number_format.NOTHING if rate is None else number_format.number(rate)


def _shown(rate: Estimate | None) -> str:
    return "not run" if rate is None else number_format.interval(rate)


def _table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
