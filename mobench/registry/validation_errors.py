"""Turns pydantic's validation errors into sentences that name the key and the bad value."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from pydantic import ValidationError

from mobench.errors import did_you_mean
from mobench.registry import eval_schema, organism_schema, weights_schema
from mobench.registry.schema_fields import Table
from mobench.registry.toml_lines import Location

_INCOMPLETE = ("missing", "union_tag_not_found")


@dataclass(frozen=True)
class SchemaError:
    """One way in which a table breaks its schema.

    Attributes:
        location: Keys and indices from the top of the file.
        what: A sentence that names the key and the bad value.
        incomplete: Whether nothing is wrong but that something is missing.
    """

    location: Location
    what: str
    incomplete: bool


def schema_errors(error: ValidationError, at: Location = ()) -> list[SchemaError]:
    """Everything in which a table breaks its schema.

    Args:
        error: What pydantic raised.
        at: Where in the file the validated table stands.
    """
    found = []
    for item in error.errors(include_url=False):
        location: Location = at + item["loc"]
        key = next((str(part) for part in reversed(location) if isinstance(part, str)), "")
        kind, message = item["type"], item["msg"]
        if kind == "missing":
            what = f"missing key {key!r}"
        elif kind == "extra_forbidden":
            known = _known_keys()
            what = f"unknown key {key!r}.{did_you_mean(key, known)}"
            if key in known:
                what = f"key {key!r} does not belong here"
        elif kind == "value_error":
            what = f"{key}: {message.removeprefix('Value error, ')}" if key else message
        elif kind in ("union_tag_invalid", "union_tag_not_found"):
            context = item.get("ctx", {})
            kinds = weights_schema.ADAPTER_KINDS if key == "adapter" else weights_schema.BASE_KINDS
            what = f"{key}: kind must be one of {', '.join(kinds)}"
            what += f", got {context['tag']!r}" if "tag" in context else ""
        else:
            what = f"{key}: {_lower(message)}, got {item['input']!r}"
        found.append(SchemaError(location, what, kind in _INCOMPLETE))
    return found


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _known_keys() -> set[str]:
    modules = (eval_schema, organism_schema, weights_schema)
    models = (
        model for module in modules for _, model in inspect.getmembers(module, inspect.isclass)
    )
    return {name for model in models if issubclass(model, Table) for name in model.model_fields}
