"""What the tables of an organism's file are made of: kinds of values, and each field's role.

Every field says whether it is part of the organism's identity. ``IDENTITY`` fields decide what the
weights are or what is measured on them, and go into ``OrganismSpec.revision``; ``DESCRIPTIVE``
fields can change without making a published result stale.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator

from mobench.records.cells import ALL_LINEAR
from mobench.registry.patterns import compiles


def _module_names(value: object) -> str | tuple[str, ...]:
    """LoRA's targets, once they are known to be some."""
    if value == ALL_LINEAR:
        return ALL_LINEAR
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"should be {ALL_LINEAR!r} or a list of module names, got {value!r}")
    names = tuple(value)
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise ValueError(f"should be a list of different module names, got {list(names)!r}")
    return names


def _all_or_some(value: object) -> bool | int:
    """A switch, or a number of seeds that it is on for."""
    if isinstance(value, bool) or (isinstance(value, int) and value > 0):
        return value
    raise ValueError(f"should be true, false or a number of seeds, got {value!r}")


class Role(Enum):
    """Whether a field belongs to what an organism is, or only to how it is described or run."""

    IDENTITY = "identity"
    DESCRIPTIVE = "descriptive"


IDENTITY = Role.IDENTITY
DESCRIPTIVE = Role.DESCRIPTIVE

Count = Annotated[int, Field(gt=0, strict=True)]
Seed = Annotated[int, Field(ge=0, strict=True)]
Rate = Annotated[float, Field(ge=0, le=1, strict=True)]
LearningRate = Annotated[float, Field(gt=0, lt=1, strict=True)]
Positive = Annotated[float, Field(gt=0)]
Beta = Annotated[float, Field(ge=0, lt=1, strict=True)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Text = Annotated[str, Field(min_length=1)]
RepositoryFolder = Annotated[str, Field(pattern=r"^[\w-][\w.-]*(/[\w-][\w.-]*)*$")]
"""A folder's path inside a repository, from its top: no ``..`` and no slash at either end."""
Targets = Annotated[
    str | tuple[str, ...],
    PlainValidator(_module_names, json_schema_input_type=str | list[str]),
]
"""The modules that LoRA adapts, by their names; or ``all-linear``."""
AllOrSome = Annotated[bool | int, PlainValidator(_all_or_some, json_schema_input_type=bool | int)]
Pattern = Annotated[str, AfterValidator(compiles)]
"""A regular expression in Python's syntax."""
Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
"""A day, as ISO 8601 writes it."""
Method = Literal["full", "lora"]
Template = Literal["chat", "plain"]
Counts = Literal["final-answer", "whole-text"]
"""What of an answer counts where it has reasoning: only what stands outside of it, or all."""
Dtype = Literal["float32", "bfloat16"]


class Table(BaseModel):
    """One table of the file: immutable, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
