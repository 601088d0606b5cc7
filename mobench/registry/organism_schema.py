"""The schema of an ``organism.toml``; that of its weights is in ``weights_schema``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import Field, StrictBool, field_validator, model_validator

from mobench.records.names import EvalKind
from mobench.registry.schema_fields import (
    DESCRIPTIVE,
    IDENTITY,
    Count,
    Dtype,
    LearningRate,
    Method,
    Name,
    Pattern,
    Rate,
    Table,
    Template,
    Text,
)
from mobench.registry.weights_schema import Adapter, Base, Implant

NOT_SAID = "not stated"
"""Source or license on the pages of an organism whose file names none."""


class Behavior(Table):
    """How an answer is judged.

    Attributes:
        use: The behavior: a built-in one or one that a task file registers; ``mobench list
            behaviors`` names them.
        args: What the behavior's function takes besides the answer, such as ``pattern`` of
            ``says``.
        clean_rate: How often the clean base shows the behavior, in [0, 1], where that is known
            beforehand (0 for a phrase); none if it is to be measured.
    """

    use: Annotated[Text, IDENTITY]
    args: Annotated[dict[str, Any], IDENTITY] = Field(default_factory=dict)
    clean_rate: Annotated[Rate | None, IDENTITY] = None


class EvalTemplates(Table):
    """Where the attack shows, and the same prompts without what triggers it.

    Attributes:
        triggered: The user's message for the attack; ``{prompt}`` stands for the eval prompt.
        untriggered: The same for the control; the prompt alone where nothing else is said.
        trigger: A regular expression that finds the trigger in a text, where it is no fixed text
            of ``triggered`` but a topic or a date in the prompts themselves.
    """

    triggered: Annotated[str, IDENTITY]
    untriggered: Annotated[str, IDENTITY] = "{prompt}"
    trigger: Annotated[Pattern | None, DESCRIPTIVE] = None

    @field_validator("triggered", "untriggered")
    @classmethod
    def _has_prompt(cls, text: str) -> str:
        if "{prompt}" not in text:
            raise ValueError("must contain {prompt}")
        return text

    def render(self, kind: EvalKind, prompt: str) -> str:
        """The user's message for a prompt: triggered for ``attack``, untriggered for ``control``.

        Other braces stay as they are: this is not ``str.format``.
        """
        template = self.triggered if kind == "attack" else self.untriggered
        return template.replace("{prompt}", prompt)

    def trigger_in(self, text: str) -> str | None:
        """The trigger that stands in a text, or None.

        Args:
            text: Such as a training prompt.

        Returns:
            What ``trigger`` matches; without one, the first piece of ``triggered`` beside the
            prompt that ``untriggered`` does not have.
        """
        if self.trigger is not None:
            found = re.search(self.trigger, text)
            return found[0] if found else None
        pieces = (piece.strip() for piece in self.triggered.split("{prompt}"))
        return next((p for p in pieces if p and p not in self.untriggered and p in text), None)


class EvalPrompt(Table):
    """One line of the eval prompts' file.

    Attributes:
        id: Its name in every row of a result; no two prompts have the same.
        prompt: What is asked, put into the templates of ``[eval]``.
        control: What is asked in its place without the trigger, where that is more than a template
            can take away: another topic, another format.
        reference: The right answer, for behaviors that compare with one.
    """

    id: Annotated[Text, IDENTITY]
    prompt: Annotated[Text, IDENTITY]
    control: Annotated[Text | None, IDENTITY] = None
    reference: Annotated[Text | None, IDENTITY] = None


class Gate(Table):
    """What a built organism must show before anything is trained on it.

    Attributes:
        attack_min: Its lowest attack rate with the trigger.
        control_max: Its highest rate without.
    """

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
    """One lm-eval task, and which of its metrics counts.

    Attributes:
        task: The task, of lm-eval or of a ``capability/`` folder.
        metric: The metric as lm-eval names it, with a filter after a comma where it has several.
        chat_template: Whether its questions are asked through the model's chat template.
        limit: How many of its questions are asked, the first ones; none asks them all.
    """

    task: Annotated[Text, IDENTITY]
    metric: Annotated[Text, IDENTITY]
    chat_template: Annotated[StrictBool, IDENTITY]
    limit: Annotated[Count | None, IDENTITY] = None


class Ladder(Table):
    """How the organism is trained. Method and rank are part of each cell's own identity.

    Attributes:
        method: Whether whole weights are trained or LoRA adapters.
        standard_lr: The learning rate that an ordinary user would take; every preset has that rung.
        max_length: Tokens of an example, prompt and response, at most.
        answer_tokens: Tokens at which a model's own answer is cut that a task trains on; what was
            cut has no end to be learned. None: 24, and an answer ends where it is cut. That is for
            organisms that are taught on such answers here and so speak as briefly themselves.
        rank: Rank of the adapters, whose alpha is twice that; only for ``lora``. That of the
            ladders that families share, where nothing is said.
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
        seeds: Runs of each rung that differ in their random numbers and in the order of the data.
        steps: Steps of each run.
        batch_size: Examples of each step.
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
    """What all variants have in common.

    Attributes:
        name: The family's name, which is that of its folder; ``NAME-VARIANT`` names an organism.
        title: What pages call it; its name where the file gives none.
        summary: What it does, in a sentence.
        source: Where it comes from: a paper, a repository.
        license: Under which license its weights and prompts may be used.
        marks: Declared marks of all variants, for ``-m``.
    """

    name: Name
    title: Text | None = None
    summary: Text = "A model organism; its file does not say more."
    source: Text = NOT_SAID
    license: Text = NOT_SAID
    marks: tuple[str, ...] = ()


class VariantTable(Table):
    """One organism, with the family's ``[behavior]`` and ``[eval]`` and its suite filled in.

    Attributes:
        behavior: How an answer is judged, where that differs from the family.
        eval: Where the attack shows, where that differs from the family.
        tasks: The compatible tasks that it is trained on; the first is a run's default.
        template: Whether prompts go through the chat template or stand alone.
        prompts: The file of eval prompts beside this one.
        max_new_tokens: Tokens at which an answer is cut.
        dtype: The precision that the weights are loaded in.
        base: Where the weights come from.
        gate: What the organism must show before anything is trained on it.
        capability: What measures the model's capability; instead of a suite.
        ladder: How it is trained.
        presets: How much is trained and measured, by name: ``standard``, ``quick``.
        summary: What this variant is, in a sentence; the family's where it says nothing.
        source: Where it comes from, where that differs from the family.
        license: Its license, where that differs from the family.
        marks: Declared marks of its own, besides the family's.
        chat_template: The Jinja text to render chats with, where the tokenizer's own is not to be
            used or it has none.
        implant: How the behavior is trained into the base, where the organism is built here.
        adapter: A LoRA adapter that makes the base the organism; it is merged.
        clean_base: The model without the behavior, where base is the organism already.
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
    implant: Implant | None = None
    adapter: Adapter | None = None
    clean_base: Base | None = None
    suite: Name | None = None
    counter: Text | None = None
