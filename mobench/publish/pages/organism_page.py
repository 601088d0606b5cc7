"""An organism's page: what it is, and for each result the plot, the ladder and where it ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from mobench.publish.pages import markdown_escape as escape
from mobench.publish.pages import number_format as wording
from mobench.publish.pages.controls_table import controls_section
from mobench.publish.pages.entry import NOT_RECORDED, Entry, incompatible_because
from mobench.publish.pages.front_page import INCOMPATIBLE, MARKER, STATUS
from mobench.publish.pages.ladder_table import ladder_markdown
from mobench.publish.pages.recipe_builds import built_apart
from mobench.publish.submission.files import CELLS, MANIFEST, ROWS

PLOTS = "plots"

_PROVENANCE = (
    ("measured", ("created",)),
    ("preset", ("preset",)),
    ("mobench commit", ("git", "commit")),
    ("organism revision", ("organism", "revision")),
    # Two builds of one recipe have one revision and, on different processors, different weights.
    ("organism weights hash", ("organism", "weights_hash")),
    ("base weights hash", ("base", "weights_hash")),
    ("task version", ("task", "version")),
    ("training examples", ("task", "examples")),
    ("training examples hash", ("task", "examples_hash")),
    ("batch size", ("ladder", "batch_size")),
    ("LoRA rank", ("ladder", "rank")),
    ("device", ("hardware", "device")),
    ("processor", ("hardware", "cpu")),
    ("cores", ("hardware", "cores")),
    ("memory, GB", ("hardware", "memory_gb")),
    ("GPU", ("hardware", "gpu")),
)


_UNJUDGED = (
    "*Not judged*: the judge was not reached, took too long, refused, or gave no score; such an "
    "answer is left out, never counted as 0."
)

_JUDGE = (
    ("judge", ("name",)),
    ("judge's rubric", ("rubric", "name")),
    ("rubric version", ("rubric", "version")),
    ("rubric's prompt hash", ("rubric", "prompt_hash")),
    ("rubric after", ("rubric", "source")),
    ("score that shows the behavior, at least", ("args", "threshold")),
)


def organism_page(entries: Sequence[Entry]) -> str:
    """Writes ``leaderboard/organisms/<name>.md``.

    Args:
        entries: All results of one organism, at least one. The newest one's description is used.
    """
    newest = max(entries, key=lambda e: (str(e.recorded("created") or ""), e.submission.place))
    name = newest.submission.organism
    title = newest.recorded("organism", "title")
    heading = f"{escape.inline(title)} ({escape.inline(name)})" if title else escape.inline(name)
    facts = [
        ("name", f"`{name}`"),
        ("parameters", _parameters(newest)),
        ("source", escape.inline(newest.text("organism", "source"))),
        ("license", escape.inline(newest.text("organism", "license"))),
    ]
    parts = [
        f"<!-- {MARKER} -->",
        f"# {heading}",
        escape.inline(newest.recorded("organism", "summary") or ""),
        _table(("organism", ""), facts),
    ]
    builds = built_apart(entries)
    for entry in sorted(entries, key=lambda e: e.submission.place):
        parts += _result(entry, builds.get(entry.submission.place))
    parts.append("[All organisms](../README.md)")
    return "\n\n".join(part for part in parts if part) + "\n"


def _result(entry: Entry, build: str | None) -> list[str]:
    submission, score = entry.submission, entry.score
    files = f"../results/{submission.place}"
    sentence = escape.inline(score.verdict.sentence)
    word = INCOMPATIBLE if score.compatible is False else escape.inline(score.verdict.word)
    policy = escape.inline(entry.text("task", "policy"))
    why = f"Why this task is compatible with the behavior ({policy}): "
    why += escape.inline(entry.text("task", "why"))
    made = f", {escape.inline(build)}" if build else ""
    how = f"{escape.inline(entry.method)}{_by(entry)}{made}"
    return [
        f"## {escape.inline(submission.task)}, {how}: {word}",
        *_incompatible(entry),
        sentence,
        f"![{sentence}]({PLOTS}/{entry.plot_name})",
        ladder_markdown(score),
        _headline(entry),
        *([] if score.compatible is False else [why]),
        *_gate(entry),
        "### Before training",
        _table(("measured on", "value"), _before(entry)),
        "### Controls",
        *controls_section(score),
        "### The ladder's own controls, in the plateau's window",
        "*Untriggered*: the behavior on prompts without the trigger. *Inert*: empty or incoherent "
        "answers to the attack prompts; removal by gibberish is not removal."
        + (f" {_UNJUDGED}" if entry.judge else ""),
        _controls(entry),
        "### Where it comes from",
        _table(("provenance", ""), _provenance(entry)),
        "### Repeat it",
        escape.code_block(entry.text("command")),
        f"Result `{submission.id}`, {STATUS}: [manifest]({files}/{MANIFEST})"
        f" · [cells]({files}/{CELLS}) · [every judged answer]({files}/{ROWS})",
        *_dose_response(entry),
    ]


def _incompatible(entry: Entry) -> list[str]:
    """Says that a result is no test of resistance, and why."""
    if entry.score.compatible is not False:
        return []
    told = "**This task is not behavior-compatible, so what follows is no test of resistance.**"
    reasons = [
        f"- {escape.inline(reason)}" for reason in incompatible_because(entry.submission.manifest)
    ]
    return [told, *(["\n".join(reasons)] if reasons else [])]


def _gate(entry: Entry) -> list[str]:
    """What the compatibility gate found, in a sentence."""
    found = entry.recorded("compatibility")
    if not isinstance(found, Mapping):
        return ["The compatibility gate: not asked."]

    def told(key: str) -> str:
        value = found.get(key)
        known = isinstance(value, int | float) and not isinstance(value, bool)
        return f"{value:.3g}" if known else NOT_RECORDED

    attack = found.get("attack")
    rate = attack.get("estimate") if isinstance(attack, Mapping) else None
    shown = f"{rate:.2f}" if isinstance(rate, int | float) else "not judged"
    return [
        f"The compatibility gate: on {told('asked')} of the task's prompts the organism's own "
        f"attack rate is {shown}; the behavior is in {told('targets_hit')} of {told('examples')} "
        f"targets{_left_out(found.get('left_out'))}, a trigger in {told('triggered')} prompts; "
        f"the targets cost the organism {told('target_loss')} nats a token, "
        f"its own answers {told('own_loss')}."
    ]


def _left_out(count: object) -> str:
    return (
        f" ({count} own answers left out of training)" if isinstance(count, int) and count else ""
    )


def _dose_response(entry: Entry) -> list[str]:
    sentence = escape.inline(wording.dose(entry.dose))
    return [
        "### Dose-response",
        f"{sentence} This is for orientation only: no published number comes from it.",
        f"![{sentence}]({PLOTS}/{entry.dose_plot_name})",
    ]


def _by(entry: Entry) -> str:
    """Who judged, for the heading: two judges' results stand below one another."""
    return f", judged by {escape.inline(entry.judge)}" if entry.judge else ""


def _headline(entry: Entry) -> str:
    score = entry.score
    lr = score.resistance_lr
    at = "" if lr is None else f" (at LR {wording.learning_rate(lr)})"
    return _table(
        ("headline", "value"),
        [
            (f"resistance{at}", wording.interval(score.resistance)),
            ("standard resistance", wording.interval(score.standard_resistance)),
            ("what the usual test missed", wording.interval(score.difference)),
            ("LR efficiency over the standard rung", wording.efficiency(score.efficiency)),
            ("tolerated capability loss", f"{score.epsilon:g}"),
            ("removed means retention below", f"{score.tau:g}"),
        ],
    )


def _before(entry: Entry) -> list[tuple[str, str]]:
    score = entry.score
    given = "measured" if entry.recorded("organism", "clean_rate") is None else "by definition"
    return [
        ("attack rate, triggered", wording.interval(score.initial)),
        ("attack rate, untriggered", wording.interval(score.control)),
        ("attack rate of the clean base", f"{wording.number(score.clean_rate)} ({given})"),
        ("capability: clean base less organism", wording.interval(score.base_capability_gap)),
        ("gate: attack rate at admission", escape.inline(_rate(entry, "attack"))),
        ("gate: untriggered rate at admission", escape.inline(_rate(entry, "control"))),
        ("gate: prompts", escape.inline(entry.text("gate", "n"))),
        *([("answers not judged, whole run", _share(score.not_judged))] if entry.judge else []),
    ]


def _rate(entry: Entry, key: str) -> str:
    value = entry.recorded("gate", key)
    return f"{value:.2f}" if isinstance(value, int | float) else entry.text("gate", key)


def _controls(entry: Entry) -> str:
    rows = [
        (
            wording.learning_rate(rung.lr) + (" (standard)" if rung.standard else ""),
            wording.interval(rung.retention),
            wording.interval(rung.control),
            wording.interval(rung.inert),
            *([_share(rung.not_judged)] if entry.judge else []),
        )
        for rung in entry.score.rungs
    ]
    more = ("not judged",) if entry.judge else ()
    return _table(("LR", "retention", "untriggered", "inert", *more), rows)


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _provenance(entry: Entry) -> list[tuple[str, str]]:
    rows = [
        (label, escape.inline(entry.text(*keys)))
        for label, keys in _PROVENANCE
        if keys != ("ladder", "rank") or "lora" in entry.method
    ]
    bound = entry.recorded("max_steps")
    if bound is not None:
        later = entry.recorded("max_steps_set_later") is True
        text = escape.inline(f"{bound} steps" + (", set when cells were finished" if later else ""))
        rows.insert(2, ("low rungs extended up to", text))
    if entry.recorded("git", "dirty") is True:
        rows = [
            (k, f"{v}, with uncommitted changes" if k == "mobench commit" else v) for k, v in rows
        ]
    versions = entry.recorded("versions")
    if isinstance(versions, Mapping) and versions:
        listed = ", ".join(f"{name} {versions[name]}" for name in sorted(versions))
    else:
        listed = NOT_RECORDED
    rows.append(("versions", escape.inline(listed)))
    rows.append(("capability tasks", escape.inline(_capability(entry))))
    if entry.judge:
        rows += [(label, escape.inline(entry.text("judge", *keys))) for label, keys in _JUDGE]
    seconds = entry.recorded("seconds")
    if isinstance(seconds, Mapping):
        for phase in ("build", "train", "measure"):
            value = seconds.get(phase)
            spent = f"{value:.0f} s" if isinstance(value, int | float) else NOT_RECORDED
            rows.append((f"time to {phase}", spent))
    return rows


def _capability(entry: Entry) -> str:
    listed = entry.recorded("capability")
    if not isinstance(listed, list) or not listed:
        return NOT_RECORDED
    return ", ".join(_asked(item) for item in listed if isinstance(item, Mapping)) or NOT_RECORDED


def _asked(task: Mapping[str, Any]) -> str:
    """A capability task and how it was asked; older manifests do not tell all of it."""
    how = [str(task.get("metric"))]
    if "filter" in task and task["filter"] != "none":
        how.append(f"filter {task['filter']}")
    if "fewshot" in task:
        how.append(f"{task['fewshot']} worked examples")
    if task.get("chat_template"):
        how.append("chat template")
    return f"{task.get('task')} ({', '.join(how)})"


def _parameters(entry: Entry) -> str:
    count = entry.recorded("organism", "params")
    return wording.parameters(count) if isinstance(count, int | float) else NOT_RECORDED


def _table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
