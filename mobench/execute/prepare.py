"""Everything a ladder needs before its first step: organism, gate, examples, cells, folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mobench.build.loading import load_model
from mobench.build.organism import Builder, Built, task_examples
from mobench.build.speaker import Speaker
from mobench.build.tokenizer_fit import organism_tokenizer
from mobench.errors import MobenchError
from mobench.execute.judging import (
    REPLIES,
    Judging,
    counted_unjudged,
    judge_for,
    judged_rate,
    judging_of,
    refuse_unjudged,
)
from mobench.measure.attack import attack_rows
from mobench.measure.batch_rows import Rows
from mobench.measure.generate import MAX_ROWS
from mobench.measure.judges import AnyJudge, JudgeChoice
from mobench.measure.vllm import installed
from mobench.plan import Cell, digest, grid
from mobench.progress import Progress
from mobench.registry import Example, OrganismSpec, Registry, Settled, TaskDef
from mobench.registry.spec import Preset
from mobench.store import RunFolder
from mobench.store.atomic import write_lines
from mobench.store.provenance import versions
from mobench.store.rows import read_rows
from mobench.train.schedule import capability_checkpoints, checkpoints


@dataclass(frozen=True)
class Asked:
    """What the user asked for.

    Attributes:
        preset_name: Name of the preset, for the manifest.
        command: The command line that asks for the same.
        runs: Folder that holds run folders.
        cache: Folder that holds built organisms.
        max_steps: Low rungs may be extended up to this many steps; None leaves them as they are.
        engine: What answers: ``hf``, the model that was trained, or ``vllm``.
        judge: The model that judges; None where the behavior needs none.
    """

    spec: OrganismSpec
    task: TaskDef
    preset_name: str
    preset: Preset
    device: str
    offline: bool
    command: str
    runs: Path
    cache: Path
    max_steps: int | None = None
    engine: Literal["hf", "vllm"] = "hf"
    judge: JudgeChoice | None = None


@dataclass(frozen=True)
class Prepared:
    """A ladder that is ready to be trained."""

    asked: Asked
    registry: Registry
    built: Built
    tokenizer: Any
    judge: AnyJudge
    settled: Settled | None
    examples: tuple[Example, ...]
    cells: tuple[Cell, ...]
    folder: RunFolder
    gate: Mapping[str, Any]
    judging: Judging | None = None


def prepare(asked: Asked, registry: Registry, progress: Progress) -> Prepared:
    """Builds the organism, gates it, asks the task for its examples and lays out the cells.

    Raises:
        MobenchError: The organism cannot be built, or does not show the behavior it claims; or a
            judging model is needed and missing, or judges too few of its answers.
    """
    spec = asked.spec
    judging = judging_of(spec, registry, asked.judge, asked.device, progress)
    builder = Builder(registry, asked.cache, asked.device, asked.offline, progress)
    built = builder.build(spec)
    tokenizer = organism_tokenizer(spec, built.folder, built.clean)
    settled = registry.settled(spec)
    trains = backend_of(asked.device, spec.dtype)
    backend = backend_of(asked.device, spec.dtype, asked.engine)
    by = [] if judging is None else [judging.identity]
    identity = digest([spec.revision, built.weights_hash, trains, *by])
    reference = asked.cache / "reference" / f"{spec.name}-{identity}"
    first_replies = reference / REPLIES
    needed = [reference / "gate.jsonl", examples_path(asked, reference)]
    if not all(path.is_file() for path in needed):
        judge = judge_for(judging, spec, registry, first_replies)
        _ask_organism(asked, built, tokenizer, judge, settled, reference, progress)
    gate = _gated(spec, list(read_rows(reference / "gate.jsonl")))
    examples = [Example(**row) for row in read_rows(examples_path(asked, reference))]
    kept = checkpoints(asked.preset.steps, asked.preset.window_checkpoints)
    cells = grid(
        spec,
        asked.preset,
        organism_weights=built.weights_hash,
        task=asked.task.name,
        task_version=asked.task.version,
        examples=digest([example.record() for example in examples]),
        checkpoints=kept,
        capability_checkpoints=capability_checkpoints(
            asked.preset.steps, asked.preset.capability_checkpoints, kept
        ),
        backend=backend,
        judge=None if judging is None else judging.identity,
    )
    name = (
        f"{spec.name}--{asked.task.name}--{asked.preset_name}-{digest([c.id for c in cells])[:8]}"
    )
    folder = RunFolder(asked.runs / name)
    write_lines(folder.examples(), [example.record() for example in examples])
    if backend == trains:
        asked_already = read_rows(reference / "gate.jsonl")
        folder.reference("organism").keep_rows(
            "attack", [{"cell": "organism", "step": 0, **row} for row in asked_already]
        )
    return Prepared(
        asked,
        registry,
        built,
        tokenizer,
        judge_for(judging, spec, registry, folder.replies(), first_replies),
        settled,
        tuple(examples),
        tuple(cells),
        folder,
        gate,
        judging,
    )


def backend_of(device: str, dtype: str, engine: str = "hf") -> str:
    """Names what trains and answers; numbers of two backends never share a curve."""
    found = versions()
    answers = "hf" if engine == "hf" else f"{engine}-{installed()}"
    return f"{answers}/transformers-{found['transformers']}/torch-{found['torch']}/{device}/{dtype}"


def examples_path(asked: Asked, reference: Path) -> Path:
    """Where the answers of this organism to this task's requests are kept."""
    return reference / f"{asked.task.name}-{asked.task.version}.jsonl"


def _ask_organism(
    asked: Asked,
    built: Built,
    tokenizer: Any,
    judge: AnyJudge,
    settled: Settled | None,
    reference: Path,
    progress: Progress,
) -> None:
    """Measures the organism before training and lets the task take its examples from it."""
    spec = asked.spec
    model = load_model(built.folder, dtype=spec.dtype, device=asked.device)
    gate = reference / "gate.jsonl"
    if not gate.is_file():

        def ask(most: int) -> list[dict[str, Any]]:
            with progress.phase("the organism before training", 2 * len(spec.prompts)) as tick:
                return attack_rows(
                    model, tokenizer, spec, judge, settled=settled, max_rows=most, on_done=tick
                )[0]

        rows = Rows(MAX_ROWS, progress).fitting(ask)
        refuse_unjudged(spec, rows)
        write_lines(gate, rows)

    def speaker(of: Any, name: str) -> Speaker:
        return Speaker(of, tokenizer, spec.template, name=name, progress=progress)

    def base() -> Speaker:
        if built.clean is None:
            raise MobenchError(
                f"task {asked.task.name!r} asks for the clean base, and {spec.name} names none",
                f"give `clean_base` in {spec.path}, or choose another task",
            )
        clean = load_model(built.clean, dtype=spec.dtype, device=asked.device)
        return speaker(clean, "the base")

    path = examples_path(asked, reference)
    if not path.is_file():
        examples = task_examples(
            asked.task,
            {
                "organism": lambda: speaker(model, spec.name),
                "base": base,
                "spec": lambda: spec,
                "tokenizer": lambda: tokenizer,
            },
        )
        write_lines(path, [example.record() for example in examples])


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
