"""The parts of a manifest: organism, task, ladder, plan, machine, and who asked and judged."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from mobench.records.cells import Number
from mobench.records.names import Schedule
from mobench.records.rows import Share
from mobench.records.short_hash import short_hash

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
"""A name that becomes a path and a link."""
StrictNumber = Annotated[Number, Field(strict=True)]


class Part(BaseModel):
    """A part of the manifest: immutable, and closed to keys that it does not know.

    Results from before some key existed lack it: it is then None here, and stays out of what is
    written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class DecodingPart(Part):
    """How answers to eval prompts were drawn; see the organism's file."""

    temperature: StrictNumber
    top_p: StrictNumber
    seed: StrictInt
    draws: StrictInt


class OrganismPart(Part):
    """The organism, as its file describes it and as it was built.

    Attributes:
        revision: Hash of its definition.
        weights_hash: SHA-256 of its weights.
        params: Numbers in its weights.
        clean_rate: The clean base's rate where the file says it; None where it was measured.
        prompts: How many eval prompts it has.
        counts: What of an answer with reasoning counts, where its file says so: ``final-answer``
            (which is usual) or ``whole-text``.
        decoding: How its answers were drawn; None where they are greedy.
    """

    name: Name
    family: str | None = None
    variant: str | None = None
    title: str | None = None
    summary: str | None = None
    source: str | None = None
    license: str | None = None
    revision: str | None = None
    weights_hash: str | None = None
    params: int | None = None
    clean_rate: Share | None = None
    prompts: int | None = None
    counts: Literal["final-answer", "whole-text"] | None = None
    decoding: DecodingPart | None = None


class TaskPart(Part):
    """The task of the ladder.

    Attributes:
        version: Hash of its code and data.
        compatible: Whether it is registered as behavior-compatible.
        why: The reason that its author gives.
        examples_hash: Hash of the examples.
        examples: How many were trained on.
    """

    name: Name
    version: str | None = None
    policy: str | None = None
    compatible: bool | None = None
    why: str | None = None
    examples_hash: str | None = None
    examples: int | None = None


class LadderPart(Part):
    """How the organism was trained; the fields are those of :class:`mobench.records.cells.Cell`.

    Attributes:
        targets: Of LoRA; None where whole weights are trained.
    """

    method: str | None = None
    standard_lr: StrictNumber
    rungs: list[StrictNumber] | None = None
    seeds: StrictInt | None = None
    steps: StrictInt | None = None
    batch_size: int | None = None
    rank: int | None = None
    alpha: float | None = None
    max_length: int | None = None
    targets: str | list[str] | None = None
    schedule: Schedule | None = None
    warmup_steps: int | None = None
    decay_steps: int | None = None
    weight_decay: float | None = None
    betas: list[float] | None = None
    max_norm: float | None = None


class ExtensionPart(Part):
    """A low rung that was run again for longer.

    Attributes:
        needed_steps: 6·N·S, rounded up.
        steps: What it was given.
        cells: Ids of its longer cells, one for each seed.
    """

    lr: Number
    needed_steps: int
    steps: StrictInt
    cells: list[str]


class GrownPart(Part):
    """A rung that the sequential plan gave more than its first seeds.

    Attributes:
        seeds: How many it has.
        steps: Its budget, ordinary or doubled.
        base: Seeds of the clean base beside its control.
    """

    lr: Number
    seeds: StrictInt
    steps: StrictInt
    base: int = 0


class PlanPart(Part):
    """The sequential plan, which was fixed before anything was trained.

    Attributes:
        seeds: Of every rung at first.
        looks: Seeds at which a rung that decides is looked at again.
        doublings: How often the budget of a rung whose seeds still move is doubled.
        tau: Retention below which a seed has lost the behavior.
        epsilon: Tolerated capability loss.
        hash: Of these and of the ladder's rungs, standard rung and budget.
        changed_later: Whether another plan was asked for after a cell had finished.
        grown: Rungs that were given more so far.
        finished: Whether nothing more is asked for.
        pending: Ids of cells that will count once all of their rung are finished.
    """

    seeds: StrictInt
    looks: list[StrictInt]
    doublings: StrictInt
    tau: StrictNumber
    epsilon: StrictNumber
    hash: str
    changed_later: StrictBool = False
    grown: list[GrownPart] = Field(default_factory=list)
    finished: StrictBool = False
    pending: list[str] = Field(default_factory=list)


class ReversalPart(Part):
    """What undoes the ladder's task, and the cells of that.

    Attributes:
        task: The undoing task; None where nothing undoes the ladder's.
        version: Hash of its code and data.
        policy: Whose answers it trains on.
        refused: Why the compatibility gate refused it; empty where it did not.
        examples_hash: Hash of its examples.
        examples: How many were trained on.
        cells: Ids of the cells, which are among the controls; empty where no rung removed the
            behavior; None while the ladder is not finished.
    """

    task: Name | None = None
    version: str | None = None
    policy: str | None = None
    refused: list[str] = Field(default_factory=list)
    examples_hash: str | None = None
    examples: int | None = None
    cells: list[str] | None = None


class GitPart(Part):
    """The commit of the code, and whether it was changed since; None outside of a repository."""

    commit: str | None = None
    dirty: bool | None = None


class HardwarePart(Part):
    """The machine; memory in GB."""

    device: str | None = None
    cpu: str | None = None
    cores: int | None = None
    memory_gb: float | None = None
    gpu: str | None = None
    gpu_memory_gb: float | None = None


class CapabilityPart(Part):
    """An lm-eval task, and how it was asked.

    Attributes:
        chance: The mean score of one who guesses; None in results from before it was recorded, and
            where it does not follow from the questions.
    """

    task: str
    metric: str
    chat_template: bool
    limit: int | None = None
    fewshot: int | None = None
    filter: str | None = None
    output: str | None = None
    version: str | float | None = None
    questions: int | None = None
    chance: Share | None = None


class RubricPart(Part):
    """What a judging model was told; ``prompt_hash`` is a hash of that alone."""

    name: str
    version: str
    prompt_hash: str | None = None
    summary: str | None = None
    source: str | None = None
    scale: list[float] | None = None
    max_tokens: int | None = None
    system: str | None = None
    user: str | None = None
    reply: str | None = None


class InterfacePart(Part):
    """What decides a prompt or an answer beside the weights.

    Attributes:
        config: Hash of the model's configuration.
        tokenizer: Hash of how texts become tokens.
        template: Hash of the chat template; None where none is used.
        end: What follows an answer that has ended.
        end_ids: Token ids at which an answer ends.
        date: Today, as the chat template is told; None where it does not ask.
    """

    config: str
    tokenizer: str
    template: str | None = None
    end: str
    end_ids: list[StrictInt]
    date: str | None = None

    @property
    def identity(self) -> str:
        """The interface as cells name it."""
        return short_hash(self.model_dump(mode="json", exclude_none=True))


class JudgePart(Part):
    """The judging model: kind and name, without host and path."""

    name: str
    kind: str | None = None
    model: str | None = None
    rubric: RubricPart
    args: dict[str, Any] | None = None
    temperature: float | None = None
    seed: int | None = None

    @property
    def identity(self) -> str:
        """The judge as cells name it: two of these never share a curve."""
        return f"{self.name} {self.rubric.name}@{self.rubric.version}"
