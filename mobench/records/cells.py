"""Cells: the unit of work and of resume, and what is recorded of one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Annotated, Any, NotRequired, cast

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from mobench.records.listed_files import ListedFile
from mobench.records.names import LADDER, RESULT_SCHEMA, Ending, Schedule
from mobench.records.rows import Count
from mobench.records.short_hash import short_hash

Number = Annotated[float, Field(allow_inf_nan=False)]

ALPHA_PER_RANK = 2.0
"""LoRA's alpha is twice the rank: the update is scaled by 2, the commonest published setting."""
ALL_LINEAR = "all-linear"
"""LoRA's usual targets, as PEFT names them: every linear layer but the output head."""


@dataclass(frozen=True)
class Cell:
    """One run of one rung. Every field is identity: change one and it is another cell.

    Attributes:
        organism_revision: Hash of the organism's definition.
        organism_weights: Hash of its weights, so an embedded base is never confused with another
            precision of it.
        task_version: Hash of the task's code and data.
        examples: Hash of the examples themselves: an on-policy task depends on who answers.
        rank: Of LoRA; None where whole weights are trained. So is alpha.
        steps: The budget.
        max_length: Tokens of an example, at most.
        checkpoints: Steps at which an adapter is kept.
        capability_checkpoints: Those of them at which capability is measured.
        backend: What trained and answered: engine, versions, device and precision.
        arm: What is trained: the ``organism`` on the ladder's task, or a control.
        judge: The judging model and its rubric's version; None where the behavior judges alone.
        interface: Hash of what decides a prompt or an answer beside the weights: template,
            tokenizer, configuration. None in results from before this was part of a cell.
        schedule: How the learning rate moves; ``lr`` is its peak.
        warmup_steps: Steps over which it rises from 0.
        decay_steps: Last steps over which ``wsd`` decays; None for other schedules.
        weight_decay: AdamW's.
        betas: AdamW's.
        max_norm: The norm that gradients are clipped to; 0 does not clip.
        targets: Of LoRA: the names of the modules that are adapted, or ``all-linear``.
        masters: Precision of the weights that updates add up in, where it is not the one that the
            model computes in: whole weights in bfloat16 have ``float32`` ones.
        parent: Id of the cell that this one begins where it ended. A cooldown's ``steps`` include
            that cell's; a reversal's count anew.
    """

    organism: str
    organism_revision: str
    organism_weights: str
    task: str
    task_version: str
    examples: str
    method: str
    rank: int | None
    alpha: float | None
    lr: float
    seed: int
    steps: int
    batch_size: int
    max_length: int
    checkpoints: tuple[int, ...]
    capability_checkpoints: tuple[int, ...]
    backend: str
    arm: str = LADDER
    judge: str | None = None
    interface: str | None = None
    schedule: Schedule = "constant"
    warmup_steps: int = 0
    decay_steps: int | None = None
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    max_norm: float = 1.0
    targets: str | tuple[str, ...] = ALL_LINEAR
    masters: str | None = None
    parent: str | None = None

    @property
    def id(self) -> str:
        """First 12 hex digits of the SHA-256 over all fields."""
        return short_hash(self._fields())

    def record(self) -> CellRecord:
        """The cell as JSON, its id among the fields."""
        return cast(CellRecord, {"id": self.id, **json.loads(json.dumps(self._fields()))})

    def _fields(self) -> dict[str, Any]:
        """All fields; those that came later only where they are not at their default.

        A cell without them has the id that it had before there were any.
        """
        defaults = [name for name, usual in _LATER.items() if getattr(self, name) == usual]
        return {name: value for name, value in asdict(self).items() if name not in defaults}


_LATER: Mapping[str, object] = {
    field.name: field.default for field in fields(Cell) if field.default is not MISSING
}
"""Fields that came after the first results, with their defaults."""


TRAINING = (
    "rank",
    "alpha",
    "schedule",
    "warmup_steps",
    "decay_steps",
    "weight_decay",
    "betas",
    "max_norm",
    "targets",
    "masters",
)
"""Fields that say how weights move, beside method, rate and budget: one run has one of each."""


@with_config(ConfigDict(extra="forbid"))
class CellRecord(TypedDict):
    """A planned cell, as manifests list it and ``cell.json`` holds it; see :class:`Cell`.

    Results from before some field existed lack it.
    """

    id: str
    organism: str
    organism_revision: NotRequired[str]
    organism_weights: NotRequired[str]
    task: str
    task_version: NotRequired[str]
    examples: NotRequired[str]
    method: str
    rank: NotRequired[int | None]
    alpha: NotRequired[float | None]
    lr: Annotated[Number, Field(strict=True)]
    seed: Annotated[int, Field(strict=True)]
    steps: Annotated[int, Field(strict=True)]
    batch_size: NotRequired[int]
    max_length: NotRequired[int]
    checkpoints: NotRequired[list[int]]
    capability_checkpoints: NotRequired[list[int]]
    backend: NotRequired[str]
    arm: NotRequired[str]
    judge: NotRequired[str | None]
    interface: NotRequired[str | None]
    schedule: NotRequired[Schedule]
    warmup_steps: NotRequired[int]
    decay_steps: NotRequired[int | None]
    weight_decay: NotRequired[Number]
    betas: NotRequired[list[Number]]
    max_norm: NotRequired[Number]
    targets: NotRequired[str | list[str]]
    masters: NotRequired[str | None]
    parent: NotRequired[str | None]


@with_config(ConfigDict(extra="forbid"))
class FinishedCell(CellRecord):
    """A cell with how it ended, as results hold it.

    Attributes:
        status: Whether it reached its budget.
        diverged_at: The step at which loss or gradient was not finite; None where it never was.
        train_tokens: Tokens that it was trained on; results from before this was recorded lack it.
        train_seconds: Seconds that training took: its share of its pack's; as above.
    """

    status: Ending
    diverged_at: NotRequired[int | None]
    train_tokens: NotRequired[Count]
    train_seconds: NotRequired[Annotated[Number, Field(ge=0)]]


@with_config(ConfigDict(extra="forbid"))
class CellResult(TypedDict):
    """``result.json``, written last: its existence means that the cell is done.

    Attributes:
        schema: ``mobench.result/1``.
        cell: Id of the cell.
        checkpoints: The steps whose checkpoints were measured, 0 among them.
        losses: Loss of each step taken, in nats per answer token.
        train_tokens: As in :class:`TrainingEnd`; cells from before this was recorded lack it.
        train_seconds: Likewise.
        files: What the cell consists of, by path in its folder; cells from before this was recorded
            lack it. Checkpoints that were not kept are not among them.
        seal: Hash of all other fields; likewise.
    """

    schema: str
    cell: str
    status: Ending
    diverged_at: Count | None
    checkpoints: list[Count]
    losses: list[float]
    train_tokens: NotRequired[Count]
    train_seconds: NotRequired[Annotated[Number, Field(ge=0)]]
    files: NotRequired[dict[str, ListedFile]]
    seal: NotRequired[str]


@with_config(ConfigDict(extra="forbid"))
class TrainingEnd(TypedDict):
    """``trained.json``: how a cell's training ended; its adapters are all there.

    Attributes:
        diverged_at: The step at which loss or gradient was not finite; None where it never was.
        losses: Loss of each step taken, in nats per answer token.
        moved: Whether any checkpoint computes something else than the start; cells from before
            this was looked at lack it.
        train_tokens: Tokens of all examples trained on, prompts included and padding not, each as
            often as it was; a cooldown's are those after the cell that it goes on from.
        train_seconds: Seconds on one device from the first step to the last, checkpoints written
            among it and measuring not: the pack's, shared equally by its cells. A cell that is
            trained alone takes longer than its share.
    """

    diverged_at: Count | None
    losses: list[float]
    moved: NotRequired[bool]
    train_tokens: NotRequired[Count]
    train_seconds: NotRequired[Annotated[Number, Field(ge=0)]]


CELL: TypeAdapter[CellRecord] = TypeAdapter(CellRecord)
FINISHED_CELL: TypeAdapter[FinishedCell] = TypeAdapter(FinishedCell)
CELL_RESULT: TypeAdapter[CellResult] = TypeAdapter(CellResult)
TRAINING_END: TypeAdapter[TrainingEnd] = TypeAdapter(TrainingEnd)


def cell_result(cell: Cell, training: TrainingEnd) -> CellResult:
    """The result of a cell that is trained and measured."""
    end = training["diverged_at"]
    status: Ending = "done" if end is None else "diverged"
    # At learning rate 0 nothing is meant to move.
    if end is None and cell.lr > 0 and not training.get("moved", True):
        status = "unmoved"
    result: CellResult = {
        "schema": RESULT_SCHEMA,
        "cell": cell.id,
        "status": status,
        "diverged_at": end,
        "checkpoints": [step for step in cell.checkpoints if end is None or step < end],
        "losses": training["losses"],
    }
    if "train_tokens" in training:
        result["train_tokens"] = training["train_tokens"]
    if "train_seconds" in training:
        result["train_seconds"] = training["train_seconds"]
    return result


def finished_cell(cell: CellRecord, result: CellResult) -> FinishedCell:
    """A planned cell with how it ended."""
    ended: dict[str, Any] = {
        "status": result["status"],
        "diverged_at": result["diverged_at"],
        "checkpoints": result["checkpoints"],
        **{key: result[key] for key in ("train_tokens", "train_seconds") if key in result},
    }
    return cast(FinishedCell, {**cell, **ended})


def arm_of(cell: CellRecord | FinishedCell | Mapping[str, Any]) -> str:
    """A cell's arm; cells from before there were controls are the ladder's."""
    return str(cell.get("arm", LADDER))
