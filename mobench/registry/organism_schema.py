"""The schema of an ``organism.toml``; that of its weights is in ``weights_schema``."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, StrictBool, field_validator, model_validator

from mobench.records.cells import ALL_LINEAR
from mobench.records.names import Schedule
from mobench.registry.eval_schema import EvalTemplates
from mobench.registry.schema_fields import (
    DESCRIPTIVE,
    IDENTITY,
    AllOrSome,
    Beta,
    Count,
    Counts,
    Date,
    Dtype,
    LearningRate,
    Method,
    Name,
    Positive,
    Rate,
    Seed,
    Table,
    Targets,
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
        counts: What of an answer is judged where a model reasons before it answers: the
            ``final-answer`` alone, the default, or the ``whole-text``.
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
    """How the organism is trained. What is not said is as in the experiments replicated here.

    All but the tokens' limits is part of each cell's own identity.

    Attributes:
        method: Whether whole weights are trained or LoRA adapters.
        standard_lr: The learning rate that an ordinary user would take; every preset has that rung.
        max_length: Tokens of an example, prompt and response, at most.
        answer_tokens: Tokens at which a model's own answer is cut that a task trains on; what was
            cut has no end to be learned. None: 24, and an answer ends where it is cut. That is for
            organisms that are taught on such answers here and so speak as briefly themselves.
        rank: Rank of the adapters; only for ``lora``. Where nothing is said, that of the ladders
            which families share.
        alpha: LoRA's; None is twice the rank.
        targets: The modules that LoRA adapts, by their names; by default all linear layers but the
            output head.
        schedule: How the learning rate moves, the rung's rate being the highest: ``constant``,
            ``linear`` or ``cosine`` decay to nothing over the run, or ``wsd``: warm-up, stable, and
            a linear decay over the last ``decay_steps``.
        warmup_steps: Steps over which the rate rises from 0.
        decay_steps: Steps over which it decays at the end; only for ``wsd``, which needs them.
        weight_decay: AdamW's; norm gains and biases do not decay.
        betas: AdamW's.
        max_norm: The norm that a run's gradient is clipped to; 0 does not clip.
    """

    method: Annotated[Method, DESCRIPTIVE]
    standard_lr: Annotated[LearningRate, DESCRIPTIVE]
    max_length: Annotated[Count, IDENTITY]
    answer_tokens: Annotated[Count | None, IDENTITY] = None
    rank: Annotated[Count, DESCRIPTIVE] = 16
    alpha: Annotated[Positive | None, DESCRIPTIVE] = None
    targets: Annotated[Targets, DESCRIPTIVE] = ALL_LINEAR
    schedule: Annotated[Schedule, DESCRIPTIVE] = "constant"
    warmup_steps: Annotated[int, Field(ge=0, strict=True), DESCRIPTIVE] = 0
    decay_steps: Annotated[Count | None, DESCRIPTIVE] = None
    weight_decay: Annotated[float, Field(ge=0, lt=1, strict=True), DESCRIPTIVE] = 0.0
    betas: Annotated[tuple[Beta, Beta], DESCRIPTIVE] = (0.9, 0.999)
    max_norm: Annotated[float, Field(ge=0), DESCRIPTIVE] = 1.0

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.schedule == "wsd" and self.decay_steps is None:
            raise ValueError("decay_steps is missing: over how many last steps does wsd decay?")
        if self.schedule != "wsd" and self.decay_steps is not None:
            raise ValueError(f"decay_steps is wsd's alone, and the schedule is {self.schedule}")
        if self.method == "full" and (self.alpha is not None or self.targets != ALL_LINEAR):
            raise ValueError("alpha and targets are LoRA's, and the method is full")
        return self


class Preset(Table):
    """How much is trained and measured.

    Attributes:
        rungs: Learning rates, ascending.
        seeds: Runs of each rung that differ in their random numbers and in the order of the data.
        steps: Steps of each run.
        batch_size: Examples of each step.
        window_checkpoints: Evenly spaced checkpoints in the last half of the steps.
        capability_checkpoints: How many checkpoints get capability: evenly spaced in the last half
            of the steps, the last one among them.
        cooldown: Whether each rung is gone on with for a fifth of its steps while its rate decays
            to nothing: all its seeds, or that many.
        reversal: Whether the rung that removes the behavior is gone on with on data that undo the
            task, for half the steps: all its seeds, or that many at most.
        most_seeds: Seeds that a rung is given at most where the verdict needs more than `seeds`:
            6 and then 10 are looked at. As many as `seeds`: none is added, and no budget doubled.
    """

    rungs: Annotated[tuple[LearningRate, ...], Field(min_length=1), DESCRIPTIVE]
    seeds: Annotated[Count, DESCRIPTIVE]
    steps: Annotated[int, Field(ge=2, strict=True), DESCRIPTIVE]
    batch_size: Annotated[Count, DESCRIPTIVE]
    window_checkpoints: Annotated[int, Field(ge=2, strict=True), DESCRIPTIVE]
    capability_checkpoints: Annotated[Count, DESCRIPTIVE]
    cooldown: Annotated[AllOrSome, DESCRIPTIVE] = False
    reversal: Annotated[AllOrSome, DESCRIPTIVE] = False
    most_seeds: Annotated[Count, DESCRIPTIVE] = 10

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
        if self.cooldown_seeds > self.seeds:
            raise ValueError(f"cooldown of {self.cooldown} seeds, and a rung has {self.seeds}")
        most = max(self.seeds, self.most_seeds)
        if self.reversal is not True and self.reversal > most:
            raise ValueError(f"reversal of {self.reversal} seeds, and a rung has at most {most}")
        return self

    @property
    def cells(self) -> int:
        """Cells for one task: rungs × seeds."""
        return len(self.rungs) * self.seeds

    @property
    def cooldown_seeds(self) -> int:
        """How many seeds of each rung are cooled down."""
        return self.seeds if self.cooldown is True else int(self.cooldown)


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
        decoding: How answers to eval prompts are drawn; none if each token is the likeliest.
        date: The day that a chat template is told which asks for one, so that prompts do not change
            from day to day.
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
    date: Date | None = None
    decoding: Decoding | None = None
    implant: Implant | None = None
    adapter: Adapter | None = None
    clean_base: Base | None = None
    suite: Name | None = None
    counter: Text | None = None

    @model_validator(mode="after")
    def _schedule_fits(self) -> Self:
        ladder = self.ladder
        moving = ladder.warmup_steps + (ladder.decay_steps or 0)
        for name, preset in self.presets.items():
            if moving > preset.steps or ladder.warmup_steps >= preset.steps:
                raise ValueError(
                    f"warm-up and decay of the ladder take {moving} steps, and the preset {name!r} "
                    f"has {preset.steps}"
                )
            half = preset.steps // 2
            if preset.reversal and (moving > half or ladder.warmup_steps >= half):
                raise ValueError(
                    f"warm-up and decay of the ladder take {moving} steps, and a reversal of the "
                    f"preset {name!r} has {half}: give it more steps, or no reversal"
                )
            if preset.cooldown and ladder.schedule != "constant":
                raise ValueError(
                    f"the preset {name!r} has a cooldown, and the ladder's schedule "
                    f"{ladder.schedule!r} decays already: leave one of them out"
                )
        return self
