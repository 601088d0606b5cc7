"""A ladder that is ready to be trained: organism, examples, cells, and the folder of the run."""

from __future__ import annotations

from dataclasses import dataclass

from mobench.assemble.organism import Built
from mobench.gate.evidence import gather_evidence, refuse_incompatible
from mobench.gate.judge_model import REPLIES, JudgeModel, judge_for
from mobench.gate.request import RunRequest
from mobench.gate.undoing import Undoing
from mobench.gate.untrained import EVAL_ROWS
from mobench.measure.backend import backend_name
from mobench.measure.eval_suite import EvalSuite
from mobench.plan.grid import cell_grid
from mobench.plan.schedule import capability_checkpoints, checkpoints
from mobench.progress import Progress
from mobench.records.cells import Cell
from mobench.records.examples import examples_hash
from mobench.records.gate import GateRecord
from mobench.records.rows import EVAL_ANSWER, placed
from mobench.records.short_hash import short_hash
from mobench.registry import Example, Registry
from mobench.score.compatibility import Compatibility
from mobench.store import RunFolder
from mobench.store.atomic import write_lines
from mobench.store.cached import kept_records
from mobench.store.mending import mend
from mobench.store.run_copy import RunCopy


@dataclass(frozen=True)
class Ladder:
    """Everything that training and measuring need.

    Attributes:
        request: The request of the run.
        registry: Where tasks and capability files lie.
        organism: The organism and its clean base on disk.
        suite: What every model is asked, and who judges.
        examples: What the ladder trains on.
        counter_examples: What direct counter-training trains on; empty where there is none.
        cells: The ladder's own cells, without controls.
        folder: The folder of the run.
        gate: The organism's rates before training.
        compatibility: What the compatibility gate found.
        judge_model: The judging model; None where the behavior needs none.
        undoing: What undoes the task; None where the run is not to undo it.
    """

    request: RunRequest
    registry: Registry
    organism: Built
    suite: EvalSuite
    examples: tuple[Example, ...]
    counter_examples: tuple[Example, ...]
    cells: tuple[Cell, ...]
    folder: RunFolder
    gate: GateRecord
    compatibility: Compatibility
    judge_model: JudgeModel | None
    undoing: Undoing | None

    def done(self, cell: Cell) -> bool:
        """Whether a cell has its result."""
        return self.folder.cell(cell.id).done


def lay_out(request: RunRequest, registry: Registry, progress: Progress) -> Ladder:
    """Builds the organism, gates it and the task, and lays out the cells.

    Args:
        request: The request of the run.
        registry: Where tasks, behaviors and capability files are looked up.
        progress: Where progress is shown.

    Raises:
        MobenchError: The organism cannot be built, does not show the behavior it claims, or the
            task is not compatible with it; or a judging model is needed and missing, or judges too
            few of its answers.
    """
    # 1. What the organism does before training, and whether organism and task may be used.
    evidence = gather_evidence(request, registry, progress)
    refuse_incompatible(request, evidence.compatibility)

    # 2. The cells, and the folder that they name.
    spec, judge_model = request.spec, evidence.judge_model
    kept = checkpoints(request.preset.steps, request.preset.window_checkpoints)
    cells = cell_grid(
        spec,
        request.preset,
        organism_weights=evidence.organism.weights_hash,
        task=request.task.name,
        task_version=request.task.version,
        examples=examples_hash(evidence.examples),
        checkpoints=kept,
        capability_checkpoints=capability_checkpoints(
            request.preset.steps, request.preset.capability_checkpoints, kept
        ),
        backend=backend_name(request.device, spec.dtype, request.options.engine),
        interface=evidence.suite.interface.identity,
        judge=None if judge_model is None else judge_model.identity,
    )
    folder = RunFolder(request.runs / _folder_name(request, cells))

    # 3. A copy of it that lies elsewhere is where it begins.
    elsewhere = request.options.copy_to
    if elsewhere is not None and RunCopy(folder, elsewhere).fetch():
        progress.note(f"goes on from the copy at {elsewhere}")

    # 4. What lies there and is not what was written is taken back, and made again later.
    for found in mend(folder):
        progress.warn(found)

    # 5. What is known already goes into the folder. Answers of transformers are none of vLLM's.
    write_lines(folder.examples(), [example.record() for example in evidence.examples])
    if evidence.undoing is not None and evidence.undoing.examples:
        write_lines(folder.undoing(), [one.record() for one in evidence.undoing.examples])
    if request.options.engine == "hf":
        for who, file in EVAL_ROWS.items():
            answers = kept_records(evidence.cache / file, EVAL_ANSWER, progress.warn)
            if answers is not None:
                folder.reference(who).keep_rows("attack", placed(answers, cell=who, step=0))
    replies = (folder.replies(), evidence.cache / REPLIES)
    judge = judge_for(judge_model, spec, registry, *replies)
    return Ladder(
        request=request,
        registry=registry,
        organism=evidence.organism,
        suite=evidence.suite.judged_by(judge),
        examples=evidence.examples,
        counter_examples=evidence.counter_examples,
        cells=tuple(cells),
        folder=folder,
        gate=evidence.gate,
        compatibility=evidence.compatibility,
        judge_model=judge_model,
        undoing=evidence.undoing,
    )


def _folder_name(request: RunRequest, cells: list[Cell]) -> str:
    """A name that a person can read, and that no other run has."""
    cells_hash = short_hash([cell.id for cell in cells])[:8]
    preset = request.options.preset
    return f"{request.spec.name}--{request.task.name}--{preset}-{cells_hash}"
