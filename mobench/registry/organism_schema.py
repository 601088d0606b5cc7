"""The schema of an ``organism.toml``; that of its weights is in ``weights_schema``."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, StrictBool, field_validator, model_validator

from mobench.registry.eval_schema import EvalTemplates
from mobench.registry.schema_fields import (
    DESCRIPTIVE,
    IDENTITY,
    Count,
    Counts,
    Date,
    Dtype,
    LearningRate,
    Method,
    Name,
    Rate,
    Seed,
    Table,
    Template,
    Text,
)
from mobench.registry.weights_schema import Adapter, Base, Implant


class Behavior(Table):
    """How an answer is judged.

    Attributes:
        clean_rate: How often the clean base shows the behavior, in [0, 1], where that is known
            beforehand (0 for a phrase); None if it is to be measured.
        counts: What of an answer is judged where a model reasons before it answers: the
            ``final-answer`` alone, which None stands for, or the ``whole-text``.
        reasoning: The two marks that stand around reasoning, where they are none of the usual ones.
    """

    use: Annotated[Text, IDENTITY]
    args: Annotated[dict[str, Any], IDENTITY] = Field(default_factory=dict)
    clean_rate: Annotated[Rate | None, IDENTITY] = None
    counts: Annotated[Counts | None, IDENTITY] = None
    reasoning: Annotated[tuple[Text, Text] | None, IDENTITY] = None


class Decoding(Table):
    """How answers to eval prompts are drawn; without this table each token is the likeliest.

    Attributes:
        temperature: What logits are divided by.
        top_p: Share of the probability, from the likeliest token on, that tokens are drawn from.
        seed: Of the random numbers, which are the same for every model.
        draws: Answers to each prompt. They are averaged: more of them are not more prompts.
    """

    temperature: Annotated[float, Field(gt=0, le=10, strict=True), IDENTITY]
    top_p: Annotated[float, Field(gt=0, le=1, strict=True), IDENTITY] = 1.0
    seed: Annotated[Seed, IDENTITY] = 0
    draws: Annotated[int, Field(gt=0, le=100, strict=True), IDENTITY] = 1


class Gate(Table):
    """What a built organism must show before anything is trained on it."""

    attack_min: Annotated[Rate, DESCRIPTIVE]
    control_max: Annotated[Rate, DESCRIPTIVE]

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.attack_min <= self.control_max:
            raise ValueError(
                f"attack_min {self.attack_min} must be above control_max {self.control_max}"
            )
        return self


class Capability(Table):
    """One lm-eval task, and which of its metrics counts."""

    task: Annotated[Text, IDENTITY]
    metric: Annotated[Text, IDENTITY]
    chat_template: Annotated[StrictBool, IDENTITY]
    limit: Annotated[Count | None, IDENTITY] = None


class Ladder(Table):
    """How the organism is trained. Method and rank are part of each cell's own identity.

    Attributes:
        max_length: Tokens of an example, prompt and response, at most.
        answer_tokens: Tokens at which a model's own answer is cut that a task trains on; what was
            cut has no end to be learned. None: 24, and an answer ends where it is cut. That is for
            organisms that are taught on such answers here and so speak as briefly themselves.
    """

    method: Annotated[Method, DESCRIPTIVE]
    standard_lr: Annotated[LearningRate, DESCRIPTIVE]
    max_length: Annotated[Count, IDENTITY]
    answer_tokens: Annotated[Count | None, IDENTITY] = None
    rank: Annotated[Count, DESCRIPTIVE] = 16


class Preset(Table):
    """How much is trained and measured.

    Attributes:
        rungs: Learning rates, ascending.
        window_checkpoints: Evenly spaced checkpoints in the last half of the steps.
        capability_checkpoints: How many checkpoints, the last one among them, get capability.
    """

    rungs: Annotated[tuple[LearningRate, ...], Field(min_length=1), DESCRIPTIVE]
    seeds: Annotated[Count, DESCRIPTIVE]
    steps: Annotated[int, Field(ge=2, strict=True), DESCRIPTIVE]
    batch_size: Annotated[Count, DESCRIPTIVE]
    window_checkpoints: Annotated[int, Field(ge=2, strict=True), DESCRIPTIVE]
    capability_checkpoints: Annotated[Count, DESCRIPTIVE]

    @field_validator("rungs")
    @classmethod
    def _ascending(cls, rungs: tuple[float, ...]) -> tuple[float, ...]:
        if list(rungs) != sorted(set(rungs)):
            raise ValueError(f"must ascend without repeats, got {list(rungs)}")
        return rungs

    @model_validator(mode="after")
    def _window_fits(self) -> Self:
        room = self.steps - self.steps // 2 + 1
        if self.window_checkpoints > room:
            raise ValueError(
                f"window_checkpoints {self.window_checkpoints} do not fit into the last half "
                f"of {self.steps} steps"
            )
        return self

    @property
    def cells(self) -> int:
        """Cells for one task: rungs × seeds."""
        return len(self.rungs) * self.seeds


class FamilyTable(Table):
    """``[family]``: what all variants have in common."""

    name: Name
    title: Text
    summary: Text
    source: Text
    license: Text
    marks: tuple[str, ...] = ()


class VariantTable(Table):
    """``[variants.X]``, with the family's ``[behavior]`` and ``[eval]`` and its suite filled in.

    Attributes:
        suite: Name of the capability suite that ``capability`` was filled in from.
        counter: A task of direct counter-training: the upper bound of what removes the behavior.
    """

    behavior: Behavior
    eval: EvalTemplates
    tasks: Annotated[tuple[str, ...], Field(min_length=1)]
    template: Template
    prompts: Text
    max_new_tokens: Count
    dtype: Dtype
    base: Base
    gate: Gate
    capability: Annotated[tuple[Capability, ...], Field(min_length=1)]
    ladder: Ladder
    presets: dict[str, Preset]
    summary: Text | None = None
    source: Text | None = None
    license: Text | None = None
    marks: tuple[str, ...] = ()
    chat_template: Text | None = None
    date: Date | None = None
    decoding: Decoding | None = None
    implant: Implant | None = None
    adapter: Adapter | None = None
    clean_base: Base | None = None
    suite: Name | None = None
    counter: Text | None = None
