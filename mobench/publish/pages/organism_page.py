"""An organism's page: what it is, and for each result the plot, the ladder and where it ran."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tabulate import tabulate

from mobench.publish.pages import markdown_escape as escape
from mobench.publish.pages import number_format
from mobench.publish.pages.beside_lines import beside_rows
from mobench.publish.pages.controls_table import controls_section
from mobench.publish.pages.entry import NOT_RECORDED, Entry, recorded
from mobench.publish.pages.front_page import INCOMPATIBLE, MARKER, PROVISIONAL
from mobench.publish.pages.ladder_table import ladder_markdown
from mobench.publish.pages.plan_text import plan_rows
from mobench.publish.pages.recipe_builds import built_apart
from mobench.publish.pages.reversal_section import reversal_section
from mobench.publish.submission.intake import CELLS, MANIFEST, ROWS
from mobench.records.learning_rates import lr_text
from mobench.records.manifest import Manifest
from mobench.records.manifest_parts import CapabilityPart, JudgePart
from mobench.registry.weights_place import not_public

PLOTS = "plots"

_Field = tuple[str, Callable[[Manifest], object]]

_PROVENANCE: tuple[_Field, ...] = (
    ("measured", lambda m: m.created),
    ("preset", lambda m: m.preset),
    ("mobench commit", lambda m: m.git and m.git.commit),
    ("organism revision", lambda m: m.organism.revision),
    # Two builds of one recipe have one revision and, on different processors, different weights.
    ("organism weights hash", lambda m: m.organism.weights_hash),
    ("base weights hash", lambda m: m.base and m.base.get("weights_hash")),
    ("task version", lambda m: m.task.version),
    ("training examples", lambda m: m.task.examples),
    ("training examples hash", lambda m: m.task.examples_hash),
    ("batch size", lambda m: m.ladder.batch_size),
    ("LoRA rank", lambda m: m.ladder.rank),
    ("device", lambda m: m.hardware and m.hardware.device),
    ("processor", lambda m: m.hardware and m.hardware.cpu),
    ("cores", lambda m: m.hardware and m.hardware.cores),
    ("memory, GB", lambda m: m.hardware and m.hardware.memory_gb),
    ("GPU", lambda m: m.hardware and m.hardware.gpu),
)

_UNJUDGED = (
    "*Not judged*: the judge was not reached, took too long, refused, or gave no score; such an "
    "answer is left out, never counted as 0."
)

_JUDGE: tuple[tuple[str, Callable[[JudgePart], object]], ...] = (
    ("judge", lambda judge: judge.name),
    ("judge's rubric", lambda judge: judge.rubric.name),
    ("rubric version", lambda judge: judge.rubric.version),
    ("rubric's prompt hash", lambda judge: judge.rubric.prompt_hash),
    ("rubric after", lambda judge: judge.rubric.source),
    ("score that shows the behavior, at least", lambda judge: (judge.args or {}).get("threshold")),
)


def organism_page(entries: Sequence[Entry]) -> str:
    """Writes ``leaderboard/organisms/<name>.md``.

    Args:
        entries: All results of one organism, at least one. The newest one's description is used.
    """
    newest = max(entries, key=lambda e: (e.manifest.created or "", e.submission.place))
    name = newest.submission.organism
    title = newest.manifest.organism.title
    heading = f"{escape.inline(title)} ({escape.inline(name)})" if title else escape.inline(name)
    facts = [
        ("name", f"`{name}`"),
        ("parameters", _parameters(newest)),
        ("source", escape.inline(recorded(newest.manifest.organism.source))),
        ("license", escape.inline(recorded(newest.manifest.organism.license))),
    ]
    local = newest.manifest.local_parts
    if local:
        facts.append(("weights", f"{not_public(local)}, so nobody else can repeat this"))
    parts = [
        f"<!-- {MARKER} -->",
        f"# {heading}",
        escape.inline(newest.manifest.organism.summary or ""),
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
    word = INCOMPATIBLE if score.compatible is False else escape.inline(score.verdict.phrase)
    if score.verdict.provisional and score.compatible is not False:
        word += PROVISIONAL
    policy = escape.inline(recorded(entry.manifest.task.policy))
    why = f"Why this task is compatible with the behavior ({policy}): "
    why += escape.inline(recorded(entry.manifest.task.why))
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
        *reversal_section(score),
        "### The ladder's own controls, in the plateau's window",
        "*Untriggered*: the behavior on prompts without the trigger. *Inert*: empty or incoherent "
        "answers to the attack prompts; removal by gibberish is not removal."
        + (f" {_UNJUDGED}" if entry.judge else ""),
        _controls(entry),
        "### Where it comes from",
        _table(("provenance", ""), _provenance(entry)),
        "### Repeat it",
        escape.code_block(recorded(entry.manifest.command)),
        f"Result `{submission.id}`, {escape.inline(str(entry.standing))}: "
        f"[manifest]({files}/{MANIFEST})"
        f" · [cells]({files}/{CELLS}) · [every judged answer]({files}/{ROWS})",
        *_dose_response(entry),
    ]


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
    at = "" if lr is None else f" (at LR {lr_text(lr)})"
    return _table(
        ("headline", "value"),
        [
            (f"resistance{at}", number_format.interval(score.resistance)),
            ("standard resistance", number_format.interval(score.standard_resistance)),
            ("what the usual test missed", number_format.interval(score.difference)),
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
    return _table(("LR", "retention", "untriggered", "inert", *more), rows)


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _provenance(entry: Entry) -> list[tuple[str, str]]:
    manifest = entry.manifest
    rows = [
        (label, escape.inline(recorded(field(manifest))))
        for label, field in _PROVENANCE
        if label != "LoRA rank" or "lora" in entry.method
    ]
    rows += _training(entry)
    rows[2:2] = [(label, escape.inline(text)) for label, text in plan_rows(manifest, entry.score)]
    if manifest.max_steps is not None:
        later = ", set when cells were finished" if manifest.max_steps_set_later else ""
        text = escape.inline(f"{manifest.max_steps} steps{later}")
        rows.insert(2, ("low rungs extended up to", text))
    if manifest.git is not None and manifest.git.dirty:
        rows = [
            (k, f"{v}, with uncommitted changes" if k == "mobench commit" else v) for k, v in rows
        ]
    versions = manifest.versions or {}
    listed = ", ".join(f"{name} {versions[name]}" for name in sorted(versions))
    rows.append(("versions", escape.inline(listed or NOT_RECORDED)))
    rows.append(("capability tasks", escape.inline(_capability(manifest))))
    if manifest.judge is not None:
        rows += [(label, escape.inline(recorded(field(manifest.judge)))) for label, field in _JUDGE]
    if manifest.seconds is not None:
        for phase in ("build", "train", "measure"):
            spent = manifest.seconds.get(phase)
            text = NOT_RECORDED if spent is None else f"{spent:.0f} s"
            rows.append((f"time to {phase}", text))
    return rows


def _training(entry: Entry) -> list[tuple[str, str]]:
    """How weights moved, as far as that is not the default: cells tell only what is not."""
    cell = entry.submission.cells[0]
    told: dict[str, object] = {
        "schedule": cell.get("schedule"),
        "warm-up steps": cell.get("warmup_steps"),
        "decay steps": cell.get("decay_steps"),
        "weight decay": cell.get("weight_decay"),
        "betas": cell.get("betas"),
        "gradient norm at most": cell.get("max_norm"),
        "LoRA targets": cell.get("targets"),
        "precision of the master weights": cell.get("masters"),
    }
    return [
        (label, escape.inline(str(value))) for label, value in told.items() if value is not None
    ]


def _capability(manifest: Manifest) -> str:
    return ", ".join(map(_asked, manifest.capability or ())) or NOT_RECORDED


def _asked(task: CapabilityPart) -> str:
    """A capability task and how it was asked; older manifests do not tell all of it."""
    how = [task.metric]
    if task.filter not in (None, "none"):
        how.append(f"filter {task.filter}")
    if task.fewshot is not None:
        how.append(f"{task.fewshot} worked examples")
    if task.chat_template:
        how.append("chat template")
    return f"{task.task} ({', '.join(how)})"


def _parameters(entry: Entry) -> str:
    count = entry.manifest.organism.params
    return NOT_RECORDED if count is None else number_format.parameters(count)


def _table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
