"""An organism, resolved: one variant of a family with the family's defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from mobench.records.conversation import Message, Prompt
from mobench.records.names import EvalKind
from mobench.records.short_hash import short_hash
from mobench.registry.eval_schema import EvalPrompt, EvalTemplates
from mobench.registry.model_facts import local_folder
from mobench.registry.organism_schema import (
    Behavior,
    Capability,
    Decoding,
    Gate,
    Ladder,
    Preset,
)
from mobench.registry.schema_fields import (
    DESCRIPTIVE,
    IDENTITY,
    Date,
    Dtype,
    Method,
    Name,
    Role,
    Table,
    Template,
)
from mobench.registry.weights_files import weights_hash
from mobench.registry.weights_schema import (
    Adapter,
    Base,
    Harden,
    HubAdapter,
    HubBase,
    HubTokenizer,
    Implant,
    LocalAdapter,
    LocalBase,
    ScratchBase,
    WheelBase,
)

__all__ = [
    "Adapter",
    "Base",
    "Behavior",
    "Capability",
    "Decoding",
    "EvalPrompt",
    "EvalTemplates",
    "Gate",
    "Harden",
    "HubAdapter",
    "HubBase",
    "HubTokenizer",
    "Implant",
    "Ladder",
    "LocalAdapter",
    "LocalBase",
    "Method",
    "OrganismSpec",
    "Preset",
    "ScratchBase",
    "WheelBase",
    "identity",
    "role_of",
]


class OrganismSpec(Table):
    """One organism, as its file defines it, with the family's defaults filled in.

    Attributes:
        name: ``<family>-<variant>``.
        prompts: The eval prompts, in the file's order.
        implant: None where the base already is the organism.
        chat_template: The Jinja text to render chats with, where the tokenizer's own is not to be
            used or it has none; or the name of one of its several.
        date: Today, as a chat template is told that writes the date into a prompt.
        decoding: How answers to eval prompts are drawn; None where each token is the likeliest.
        adapter: A LoRA adapter that turns the base into the organism; it is merged.
        clean_base: The base without the behavior, where the base already is the organism.
        suite: Name of the suite that ``capability`` comes from; None where the file lists its own.
        counter: The task of direct counter-training, if there is one.
        path: The TOML file.
        sources: Versions of the task code and data that the organism is built from or measured
            with: ``{"corpus": …, "implant": …, "behavior": …, "capability/<task>": …}``.
        defaults: Keys that its file leaves out, such as ``ladder.standard_lr``, and why each has
            the value that it has. The values are part of what the organism is.
        pending: Those of them that weights tell which are not on this machine: their values may
            change once the weights are here.
    """

    name: Annotated[Name, DESCRIPTIVE]
    family: Annotated[Name, DESCRIPTIVE]
    variant: Annotated[Name, DESCRIPTIVE]
    title: Annotated[str, DESCRIPTIVE]
    summary: Annotated[str, DESCRIPTIVE]
    source: Annotated[str, DESCRIPTIVE]
    license: Annotated[str, DESCRIPTIVE]
    marks: Annotated[tuple[str, ...], DESCRIPTIVE]
    behavior: Annotated[Behavior, IDENTITY]
    eval: Annotated[EvalTemplates, IDENTITY]
    tasks: Annotated[tuple[str, ...], DESCRIPTIVE]
    template: Annotated[Template, IDENTITY]
    chat_template: Annotated[str | None, IDENTITY] = None
    date: Annotated[Date | None, IDENTITY] = None
    decoding: Annotated[Decoding | None, IDENTITY] = None
    prompts: Annotated[tuple[EvalPrompt, ...], IDENTITY]
    max_new_tokens: Annotated[int, IDENTITY]
    dtype: Annotated[Dtype, IDENTITY]
    base: Annotated[Base, IDENTITY]
    clean_base: Annotated[Base | None, IDENTITY]
    implant: Annotated[Implant | None, IDENTITY]
    adapter: Annotated[Adapter | None, IDENTITY] = None
    gate: Annotated[Gate, IDENTITY]
    capability: Annotated[tuple[Capability, ...], IDENTITY]
    suite: Annotated[str | None, DESCRIPTIVE] = None
    counter: Annotated[str | None, DESCRIPTIVE] = None
    ladder: Annotated[Ladder, IDENTITY]
    presets: Annotated[dict[str, Preset], DESCRIPTIVE]
    path: Annotated[Path, DESCRIPTIVE]
    sources: Annotated[dict[str, str], Field(default_factory=dict), IDENTITY]
    defaults: Annotated[dict[str, str], Field(default_factory=dict), DESCRIPTIVE]
    pending: Annotated[tuple[str, ...], DESCRIPTIVE] = ()

    @property
    def revision(self) -> str:
        """First 12 hex digits of the SHA-256 over everything that is identity.

        Of weights in a folder that is the hash of the weights: the same folder elsewhere is the
        same organism, and other weights in the same place are another.
        """
        whole = identity(self)
        for name, part in self.local_parts.items():
            folder = self.folder_of(part)
            if folder.is_dir():
                whole[name]["weights"] = weights_hash(folder)
        return short_hash(whole)

    @property
    def local_parts(self) -> dict[str, LocalBase | LocalAdapter]:
        """What of the organism lies in folders of this machine: base, adapter, clean base."""
        parts = {name: getattr(self, name) for name in ("base", "adapter", "clean_base")}
        return {n: p for n, p in parts.items() if isinstance(p, LocalBase | LocalAdapter)}

    def folder_of(self, part: LocalBase | LocalAdapter) -> Path:
        """The folder of a part of the organism that lies on this machine."""
        return local_folder(part.path, self.path.parent)

    def message(self, kind: EvalKind, prompt: EvalPrompt) -> Prompt:
        """What is asked for an eval prompt, triggered (``attack``) or not (``control``)."""
        own = prompt.control if kind == "control" else None
        return self.eval.render(kind, prompt.prompt if own is None else own)

    @property
    def draws(self) -> int:
        """Answers to each eval prompt."""
        return 1 if self.decoding is None else self.decoding.draws

    @property
    def default_task(self) -> str:
        """The first of its compatible tasks."""
        return self.tasks[0]


def role_of(model: type[Table], field: str) -> Role | None:
    """The role that a field was declared with, or None if it was forgotten."""
    roles = [m for m in model.model_fields[field].metadata if isinstance(m, Role)]
    return roles[0] if len(roles) == 1 else None


def identity(value: object) -> Any:
    """The identity part of a table, all the way down, as plain JSON.

    None and empty are left out, so that an optional field added later changes no revision of
    an organism that does not use it.
    """
    if isinstance(value, Table):
        kept = {
            name: identity(getattr(value, name))
            for name in type(value).model_fields
            if role_of(type(value), name) is IDENTITY
        }
        return {name: part for name, part in kept.items() if part not in (None, {}, [])}
    if isinstance(value, Message):
        return value.record()
    if isinstance(value, Mapping):
        return {str(key): identity(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [identity(part) for part in value]
    return value
