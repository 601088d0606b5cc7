"""What is known of an organism and a task before any training, and whether both may be used.

The organism is built and asked its eval prompts, the task gives its examples, and the gate decides:
is the organism what it claims to be, and is the task behavior-compatible with it? Each question is
asked once and kept in the cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mobench.assemble.interface import config_hash, interface_of
from mobench.assemble.loading import DATE
from mobench.assemble.organism import Builder, Built
from mobench.assemble.taught_examples import task_examples
from mobench.assemble.tokenizer_check import organism_chat
from mobench.errors import MobenchError
from mobench.gate.admission import admit, judged_rate
from mobench.gate.compatibility import check_task
from mobench.gate.judge_model import REPLIES, JudgeModel, judge_for, judge_model_for
from mobench.gate.request import RunRequest
from mobench.gate.undoing import Checked, Undoing, gather_undoing
from mobench.gate.untrained import UntrainedModels
from mobench.measure.backend import backend_name
from mobench.measure.eval_suite import EvalSuite
from mobench.progress import Progress
from mobench.records.examples import EXAMPLE
from mobench.records.gate import GateRecord
from mobench.records.short_hash import short_hash
from mobench.registry import Example, Registry, TaskDef
from mobench.registry.weights_files import weights_hash
from mobench.score.compatibility import Compatibility
from mobench.store.cached import keep_records, kept_records
from mobench.store.rows import read_records


@dataclass(frozen=True)
class Evidence:
    """An organism and a task as they are before any training.

    Attributes:
        organism: The organism on disk.
        suite: What it is asked, and who judges.
        cache: Folder of what it was asked.
        gate: Its rates: attack, control, and of how many prompts.
        examples: The task's examples that are trained on: none of the organism's own answers in
            which its behavior shows.
        counter_examples: The examples of direct counter-training, where the organism names such a
            task, controls are wanted, and it is not what the ladder itself trains on.
        compatibility: What the compatibility gate found.
        judge_model: The judging model; None where the behavior needs none.
        undoing: What undoes the task; None where the run is not to undo it.
    """

    organism: Built
    suite: EvalSuite
    cache: Path
    gate: GateRecord
    examples: tuple[Example, ...]
    counter_examples: tuple[Example, ...]
    compatibility: Compatibility
    judge_model: JudgeModel | None
    undoing: Undoing | None


def gather_evidence(request: RunRequest, registry: Registry, progress: Progress) -> Evidence:
    """Builds the organism, asks it everything that is asked before training, and gates both.

    Args:
        request: The request of the run.
        registry: Where tasks, behaviors and capability files are looked up.
        progress: Where progress is shown.

    Raises:
        MobenchError: The organism cannot be built, or does not show the behavior it claims; or a
            judging model is needed and missing, or judges too few of its answers.
    """
    spec, task = request.spec, request.task

    # 1. Build the organism.
    judge_model = judge_model_for(spec, registry, request.judge, request.device, progress)
    offline = request.options.offline
    built = Builder(registry, request.cache, request.device, offline, progress).build(spec)

    # 2. Lay out what it is asked. What was asked before lies under the hash of all that decides an
    #    answer: definition, weights, how it is asked, backend and judge; and the clean base.
    by = [] if judge_model is None else [judge_model.identity]
    if built.clean is not None:
        by.append(short_hash([weights_hash(built.clean), config_hash(built.clean)]))
    backend = backend_name(request.device, spec.dtype)
    chat = organism_chat(spec, built.folder, built.clean)
    interface = interface_of(chat, built.folder, date=spec.date or DATE)
    identity = short_hash([spec.revision, built.weights_hash, interface.identity, backend, *by])
    cache = request.cache / "reference" / f"{spec.name}-{identity}"
    suite = EvalSuite(
        spec=spec,
        chat=chat,
        interface=interface,
        judge=judge_for(judge_model, spec, registry, cache / REPLIES),
        settled=registry.settled(spec),
        capability_dir=registry.capability_dir(spec),
    )
    models = UntrainedModels(request, built=built, suite=suite, cache=cache, progress=progress)

    # 3. Is it the organism that it claims to be?
    gate = admit(spec, models.eval_rows("organism"))

    # 4. Get the examples of counter-training.
    counter_examples: tuple[Example, ...] = ()
    if request.controls and spec.counter is not None and spec.counter != task.name:
        counter_examples = _examples(registry.task(spec.counter), cache, models, suite)

    # 5. Is the task behavior-compatible? The organism may show the behavior as often as its base.
    clean_rate = spec.behavior.clean_rate
    if clean_rate is None:
        clean_rate = judged_rate(models.eval_rows("base"), "attack")
    rate = clean_rate

    def checked(one: TaskDef) -> Checked:
        return check_task(
            lambda: models.organism,
            suite,
            _examples(one, cache, models, suite),
            needs_reference=registry.behavior(spec.behavior.use).needs_reference,
            task=one,
            clean_rate=rate,
            cache=cache,
            progress=progress,
        )

    compatibility, trained_on = checked(task)
    return Evidence(
        organism=built,
        suite=suite,
        cache=cache,
        gate=gate,
        examples=trained_on,
        counter_examples=counter_examples,
        compatibility=compatibility,
        judge_model=judge_model,
        undoing=gather_undoing(request, registry, checked),
    )


def refuse_incompatible(request: RunRequest, compatibility: Compatibility) -> None:
    """Refuses a task that fails the gate, unless the request allows it.

    Raises:
        MobenchError: It fails.
    """
    if compatibility.compatible or request.options.allow_incompatible:
        return
    task = request.task
    reasons = "".join(f"\n  - {reason}" for reason in compatibility.reasons)
    raise MobenchError(
        f"task {task.name!r} is not compatible with {request.spec.name}:{reasons}",
        f"nothing was trained; take another task or mend this one ({task.path}:{task.line}), or "
        "give --allow-incompatible: the result is then marked, and not ranked",
    )


def _examples(
    task: TaskDef, cache: Path, models: UntrainedModels, suite: EvalSuite
) -> tuple[Example, ...]:
    """A task's examples; it takes them from the organism or the base once."""
    path = cache / f"{task.name}-{task.version}.jsonl"
    kept = kept_records(path, EXAMPLE, models.warn)
    if kept is None:
        examples = task_examples(
            task,
            {
                "organism": lambda: models.speaker("organism"),
                "base": lambda: models.speaker("base"),
                "spec": lambda: suite.spec,
                "tokenizer": lambda: suite.chat.tokenizer,
            },
        )
        keep_records(path, [example.record() for example in examples])
        kept = read_records(path, EXAMPLE)
    return tuple(Example(**record) for record in kept)
