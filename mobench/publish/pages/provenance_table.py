"""Where a result comes from: code, weights, data, machine, judge and time."""

from __future__ import annotations

from collections.abc import Callable

from mobench.publish.pages import markdown_escape as escape
from mobench.publish.pages.entry import NOT_RECORDED, Entry, recorded
from mobench.publish.pages.plan_text import plan_rows
from mobench.records.manifest import Manifest
from mobench.records.manifest_parts import CapabilityPart, JudgePart

_Field = tuple[str, Callable[[Manifest], object]]

_PROVENANCE: tuple[_Field, ...] = (
    ("measured", lambda m: m.created),
    ("preset", lambda m: m.preset),
    ("organism's source", lambda m: m.organism.source),
    ("organism's license", lambda m: m.organism.license),
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

_JUDGE: tuple[tuple[str, Callable[[JudgePart], object]], ...] = (
    ("judge", lambda judge: judge.name),
    ("judge's rubric", lambda judge: judge.rubric.name),
    ("rubric version", lambda judge: judge.rubric.version),
    ("rubric's prompt hash", lambda judge: judge.rubric.prompt_hash),
    ("rubric after", lambda judge: judge.rubric.source),
    ("score that shows the behavior, at least", lambda judge: (judge.args or {}).get("threshold")),
)


def provenance_rows(entry: Entry) -> list[tuple[str, str]]:
    """Writes label and value of everything that a result's numbers depend on."""
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
