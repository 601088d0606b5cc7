"""What is asked before any training: does the organism show its behavior, and the task not?

Each thing is asked once, and kept in the cache beside the organism's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobench.assemble.loading import load_model
from mobench.assemble.organism import Builder, Built, task_examples
from mobench.assemble.speaker import Speaker
from mobench.assemble.tokenizer_check import organism_tokenizer
from mobench.decode.answers import MAX_ROWS
from mobench.decode.batch_size import Rows
from mobench.errors import MobenchError
from mobench.gate.compatibility import check_task
from mobench.gate.judge import (
    REPLIES,
    Judging,
    counted_unjudged,
    judge_for,
    judged_rate,
    judging_of,
    refuse_unjudged,
)
from mobench.measure.attack_rows import attack_rows
from mobench.measure.vllm import installed
from mobench.plan.cells import digest
from mobench.progress import Progress
from mobench.registry import Example, OrganismSpec, Registry, Settled, TaskDef
from mobench.score.compatibility import Compatibility
from mobench.store.atomic import write_lines
from mobench.store.provenance import versions
from mobench.store.rows import read_rows

if TYPE_CHECKING:
    from mobench.execute.prepare import Asked

GATE, CLEAN = "gate.jsonl", "base.jsonl"
"""Eval rows of the organism and of its clean base, beside each other in the cache."""


@dataclass(frozen=True)
class Before:
    """An organism and a task, asked all that is asked before any training.

    Attributes:
        reference: Folder of what the organism was asked; it is asked each thing once.
        gate: The organism's rates: attack, control, and of how many prompts.
        examples: The task's that are trained on: none of the organism's own answers in which its
            behavior shows.
        counter: The examples of direct counter-training, where the organism names such a task,
            controls are wanted, and it is not what the ladder itself trains on.
        compatibility: What the compatibility gate found.
        judging: The judging model; None where the behavior needs none.
    """

    built: Built
    tokenizer: Any
    settled: Settled | None
    reference: Path
    gate: Mapping[str, Any]
    examples: tuple[Example, ...]
    counter: tuple[Example, ...]
    compatibility: Compatibility
    judging: Judging | None


def before(asked: Asked, registry: Registry, progress: Progress) -> Before:
    """Builds the organism, asks it everything that is asked before training, and gates both.

    Raises:
        MobenchError: The organism cannot be built, or does not show the behavior it claims; or a
            judging model is needed and missing, or judges too few of its answers.
    """
    spec, task = asked.spec, asked.task
    judging = judging_of(spec, registry, asked.judge, asked.device, progress)
    builder = Builder(registry, asked.cache, asked.device, asked.offline, progress)
    built = builder.build(spec)
    tokenizer = organism_tokenizer(spec, built.folder, built.clean)
    settled = registry.settled(spec)
    by = [] if judging is None else [judging.identity]
    trains = backend_of(asked.device, spec.dtype)
    identity = digest([spec.revision, built.weights_hash, trains, *by])
    reference = asked.cache / "reference" / f"{spec.name}-{identity}"
    judge = judge_for(judging, spec, registry, reference / REPLIES)
    models = _Models(asked, built, tokenizer, progress)

    def eval_rows(file: str, who: str, model: Callable[[], Any]) -> list[dict[str, Any]]:
        path = reference / file
        if not path.is_file():
            asking = model()

            def ask(most: int) -> list[dict[str, Any]]:
                with progress.phase(f"the {who} before training", 2 * len(spec.prompts)) as tick:
                    return attack_rows(
                        asking, tokenizer, spec, judge, settled=settled, max_rows=most, on_done=tick
                    )[0]

            rows = Rows(MAX_ROWS, progress).fitting(ask)
            refuse_unjudged(spec, rows)
            write_lines(path, rows)
        return list(read_rows(path))

    gate = _gated(spec, eval_rows(GATE, "organism", lambda: models.organism))
    examples = _examples(task, reference, models)
    counter: tuple[Example, ...] = ()
    if asked.controls and spec.counter not in (None, task.name):
        assert spec.counter is not None
        counter = _examples(registry.task(spec.counter), reference, models)
    clean_rate = spec.behavior.clean_rate
    if clean_rate is None:
        clean_rate = judged_rate(eval_rows(CLEAN, "base", models.clean), "attack")
    found, trained_on = check_task(
        lambda: models.organism,
        tokenizer,
        spec,
        judge,
        examples,
        needs_reference=registry.behavior(spec.behavior.use).needs_reference,
        task=task,
        clean_rate=clean_rate,
        reference=reference,
        progress=progress,
    )
    return Before(built, tokenizer, settled, reference, gate, trained_on, counter, found, judging)


def backend_of(device: str, dtype: str, engine: str = "hf") -> str:
    """Names what trains and answers; numbers of two backends never share a curve."""
    found = versions()
    answers = "hf" if engine == "hf" else f"{engine}-{installed()}"
    return f"{answers}/transformers-{found['transformers']}/torch-{found['torch']}/{device}/{dtype}"


@dataclass(frozen=True)
class _Models:
    """The models that are asked before training, loaded when the first question comes."""

    asked: Asked
    built: Built
    tokenizer: Any
    progress: Progress

    @cached_property
    def organism(self) -> Any:
        """The organism."""
        return self._load(self.built.folder)

    def clean(self) -> Any:
        """Its clean base, loaded each time: two models are held no longer than need be.

        Raises:
            MobenchError: There is none.
        """
        if self.built.clean is None:
            spec = self.asked.spec
            raise MobenchError(
                f"the clean base is asked for, and {spec.name} names none",
                f"give `clean_base` in {spec.path}, or choose another task than "
                f"{self.asked.task.name!r}",
            )
        return self._load(self.built.clean)

    def speaker(self, model: Any, name: str) -> Speaker:
        """A model as a task asks for it."""
        spec = self.asked.spec
        return Speaker(model, self.tokenizer, spec, name=name, progress=self.progress)

    def _load(self, folder: Path) -> Any:
        return load_model(folder, dtype=self.asked.spec.dtype, device=self.asked.device)


def _examples(task: TaskDef, reference: Path, models: _Models) -> tuple[Example, ...]:
    """A task's examples; it takes them from the organism or the base once."""
    path = reference / f"{task.name}-{task.version}.jsonl"
    if not path.is_file():
        spec = models.asked.spec
        examples = task_examples(
            task,
            {
                "organism": lambda: models.speaker(models.organism, spec.name),
                "base": lambda: models.speaker(models.clean(), "the base"),
                "spec": lambda: spec,
                "tokenizer": lambda: models.tokenizer,
            },
        )
        write_lines(path, [example.record() for example in examples])
    return tuple(Example(**row) for row in read_rows(path))


def _gated(spec: OrganismSpec, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rates before training.

    Raises:
        MobenchError: They are not what the organism's file promises.
    """
    attack, control = judged_rate(rows, "attack"), judged_rate(rows, "control")
    if attack < spec.gate.attack_min or control > spec.gate.control_max:
        raise MobenchError(
            f"{spec.name} is not the organism it claims to be: attack rate {attack:.2f} with the "
            f"trigger (at least {spec.gate.attack_min}), {control:.2f} without "
            f"(at most {spec.gate.control_max})",
            f"change its recipe in {spec.path}; nothing was trained",
        )
    lost = counted_unjudged(rows)
    more = {"not_judged": lost} if lost else {}
    return {"attack": attack, "control": control, "n": len(spec.prompts), **more}
