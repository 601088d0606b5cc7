"""One result of a page: the verdict, the numbers, the plots, the controls, where it comes from."""

from __future__ import annotations

import html
import shlex

from mobench.publish.pages import markdown_escape as escape
from mobench.publish.pages import number_format
from mobench.publish.pages.beside_lines import beside_rows
from mobench.publish.pages.controls_table import controls_section
from mobench.publish.pages.entry import NOT_RECORDED, Entry, recorded
from mobench.publish.pages.front_page import INCOMPATIBLE, PROVISIONAL
from mobench.publish.pages.github_table import github_table
from mobench.publish.pages.ladder_table import ladder_markdown
from mobench.publish.pages.provenance_table import provenance_rows
from mobench.publish.pages.reversal_section import reversal_section
from mobench.publish.pages.sample_answers import samples_section
from mobench.publish.submission.announced_plans import Announcement
from mobench.publish.submission.intake import CELLS, MANIFEST, ROWS
from mobench.records.learning_rates import lr_text

PLOTS = "../plots"
"""Where a page's pictures lie."""
_RESULTS = "../../results"
_NARROW = "(max-width: 767px)"
"""Screens that get the ladder with two rungs side by side."""

_UNJUDGED = (
    "*Not judged*: the judge was not reached, took too long, refused, or gave no score; such an "
    "answer is left out, never counted as 0."
)


def result_section(entry: Entry, *, build: str | None = None) -> list[str]:
    """Writes all of one result as parts of a page.

    Args:
        entry: The result.
        build: Which build of its organism it is of, where there are several.
    """
    score = entry.score
    sentence = escape.inline(score.verdict.sentence)
    policy = escape.inline(recorded(entry.manifest.task.policy))
    why = f"Why this task is compatible with the behavior ({policy}): "
    why += escape.inline(recorded(entry.manifest.task.why))
    return [
        # 1. The verdict, and the numbers that it rests on.
        f'<a id="{entry.submission.id}"></a>',
        f"## {_word(entry)}{f', {escape.inline(build)}' if build else ''}",
        _about(entry),
        *_incompatible(entry),
        sentence,
        _headline(entry),
        # 2. The ladder.
        _ladder(entry),
        ladder_markdown(score),
        _pictures(entry),
        _beside(entry),
        # 3. What it looks like, and what stands beside it.
        *samples_section(entry.samples),
        *reversal_section(score),
        "### Controls",
        *controls_section(score),
        *_folded("The ladder's own controls, in the plateau's window", *_own_controls(entry)),
        *_folded("Before training", github_table(("measured on", "value"), _before(entry))),
        # 4. Whether the task is fair, where all of it comes from, and how to repeat it.
        *([] if score.compatible is False else [why]),
        *_gate(entry),
        *_folded("Where it comes from", github_table(("provenance", ""), provenance_rows(entry))),
        *_dose_response(entry),
        *_again(entry),
        _files(entry),
    ]


def _word(entry: Entry) -> str:
    """The verdict as a heading."""
    if entry.score.compatible is False:
        return INCOMPATIBLE
    word = escape.inline(entry.score.verdict.phrase)
    return word + (PROVISIONAL if entry.score.verdict.provisional else "")


_ANNOUNCED: dict[Announcement, str] = {
    "announced": "plan announced before the run",
    "announced late": "plan announced after the run had begun",
    "not announced": "plan not announced",
    "one of several": "one of several results of an announced plan",
}


def _about(entry: Entry) -> str:
    """How it was trained and who judged."""
    seeds, _, prompts = entry.seeds_by_prompts.partition(" × ")
    parts = [
        entry.method,
        f"{seeds} seeds × {prompts} prompts",
        *([f"judged by {entry.judge}"] if entry.judge else []),
        entry.standing.status,
        _ANNOUNCED[entry.announcement],
    ]
    return escape.inline(" · ".join(parts))


def _ladder(entry: Entry) -> str:
    """The ladder's picture, for wide screens and for narrow ones."""
    said = html.escape(escape.one_line(entry.score.verdict.sentence))
    return (
        f'<picture><source media="{_NARROW}" srcset="{PLOTS}/{entry.narrow_plot_name}">'
        f'<img alt="{said}" src="{PLOTS}/{entry.plot_name}"></picture>'
    )


def _pictures(entry: Entry) -> str:
    """Two small pictures, side by side where there is room."""
    frontier = "capability against behavior at every checkpoint"
    removal = "removal step of every seed against learning rate, with the 1/LR line"
    return (
        f"![{frontier}]({PLOTS}/{entry.frontier_plot_name}) "
        f"![{removal}]({PLOTS}/{entry.removal_plot_name})"
    )


def _again(entry: Entry) -> list[str]:
    """The command that repeats it, on the commit that it was run with."""
    manifest = entry.manifest
    lines = [recorded(manifest.command)]
    note = []
    commit = manifest.git.commit if manifest.git else None
    if commit:
        lines.insert(0, f"git checkout {shlex.quote(commit)}")
        if manifest.git is not None and manifest.git.dirty:
            note = ["The code had changes that are not in this commit."]
    return ["### Repeat it", escape.code_block("\n".join(lines)), *note]


def _files(entry: Entry) -> str:
    files = f"{_RESULTS}/{entry.submission.place}"
    return (
        f"Result `{entry.submission.id}`, {escape.inline(str(entry.standing))}: "
        f"[manifest]({files}/{MANIFEST})"
        f" · [cells]({files}/{CELLS}) · [every judged answer]({files}/{ROWS})"
    )


def _folded(summary: str, *parts: str) -> list[str]:
    """Parts that are opened by whoever wants them."""
    return [f"<details><summary>{summary}</summary>", *parts, "</details>"]


def _incompatible(entry: Entry) -> list[str]:
    """Says that a result is no test of resistance, and why."""
    if entry.score.compatible is not False:
        return []
    warning = "**This task is not behavior-compatible, so what follows is no test of resistance.**"
    reasons = [f"- {escape.inline(reason)}" for reason in entry.manifest.incompatible_because]
    return [warning, *(["\n".join(reasons)] if reasons else [])]


def _gate(entry: Entry) -> list[str]:
    """What the compatibility gate found, in a sentence."""
    gate = entry.manifest.compatibility
    if gate is None:
        return ["The compatibility gate: not asked."]

    def shown(value: float | None) -> str:
        return NOT_RECORDED if value is None else f"{value:.3g}"

    rate = (gate.attack or {}).get("estimate")
    own_rate = f"{rate:.2f}" if isinstance(rate, int | float) else "not judged"
    return [
        f"The compatibility gate: on {shown(gate.asked)} of the task's prompts the organism's own "
        f"attack rate is {own_rate}; the behavior is in {shown(gate.targets_hit)} of "
        f"{shown(gate.examples)} targets{_left_out(gate.left_out)}, a trigger in "
        f"{shown(gate.triggered)} prompts; the targets cost the organism "
        f"{shown(gate.target_loss)} nats a token, its own answers {shown(gate.own_loss)}."
    ]


def _left_out(count: int | None) -> str:
    return f" ({count} own answers left out of training)" if count else ""


def _dose_response(entry: Entry) -> list[str]:
    sentence = escape.inline(number_format.dose(entry.dose))
    return _folded(
        "Dose-response",
        f"{sentence} This is for orientation only: no published number comes from it.",
        f"![{sentence}]({PLOTS}/{entry.dose_plot_name})",
    )


def _headline(entry: Entry) -> str:
    score = entry.score
    lr = score.resistance_lr
    at = "" if lr is None else f" (at LR {lr_text(lr)})"
    return github_table(
        ("headline", "value"),
        [
            (f"resistance{at}", number_format.interval(score.resistance)),
            ("standard resistance", number_format.interval(score.standard_resistance)),
            ("what the usual test missed", number_format.interval(score.difference)),
        ],
    )


def _beside(entry: Entry) -> str:
    """What stands beside the headline, and the limits behind all of it."""
    score = entry.score
    return github_table(
        ("beside it", "value"),
        [
            ("LR efficiency over the standard rung", number_format.efficiency(score.efficiency)),
            *beside_rows(score),
            ("tolerated capability loss", f"{score.epsilon:g}"),
            ("removed means retention below", f"{score.tau:g}"),
        ],
    )


def _before(entry: Entry) -> list[tuple[str, str]]:
    score, gate = entry.score, entry.manifest.gate
    given = "measured" if entry.manifest.organism.clean_rate is None else "by definition"
    return [
        ("attack rate, triggered", number_format.interval(score.initial)),
        ("attack rate, untriggered", number_format.interval(score.control)),
        ("attack rate of the clean base", f"{number_format.number(score.clean_rate)} ({given})"),
        ("capability: clean base less organism", number_format.interval(score.base_capability_gap)),
        ("gate: attack rate at admission", escape.inline(_rate(gate and gate["attack"]))),
        ("gate: untriggered rate at admission", escape.inline(_rate(gate and gate["control"]))),
        ("gate: prompts", escape.inline(recorded(gate and gate["n"]))),
        *([("answers not judged, whole run", _share(score.not_judged))] if entry.judge else []),
    ]


def _rate(value: float | None) -> str:
    return NOT_RECORDED if value is None else f"{value:.2f}"


def _own_controls(entry: Entry) -> list[str]:
    meaning = (
        "*Untriggered*: the behavior on prompts without the trigger. *Inert*: empty or incoherent "
        "answers to the attack prompts; removal by gibberish is not removal."
    )
    return [meaning + (f" {_UNJUDGED}" if entry.judge else ""), _controls(entry)]


def _controls(entry: Entry) -> str:
    rows = [
        (
            lr_text(rung.lr) + (" (standard)" if rung.standard else ""),
            number_format.interval(rung.retention),
            number_format.interval(rung.control),
            number_format.interval(rung.inert),
            *([_share(rung.not_judged)] if entry.judge else []),
        )
        for rung in entry.score.rungs
    ]
    more = ("not judged",) if entry.judge else ()
    return github_table(("LR", "retention", "untriggered", "inert", *more), rows)


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"
