"""Reads records from files: what does not fit is named with its file, its line and its field."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from mobench.errors import Problems
from mobench.records.json_objects import LONGEST, short
from mobench.records.names import ROW_KINDS

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


def shape_problems(error: ValidationError) -> list[str]:
    """What does not fit a record's type, a sentence for each field: ``step should be …``."""
    return [_sentence(dict(item)) for item in error.errors(include_url=False)]


def _sentence(item: dict[str, Any]) -> str:
    # A row is first told apart by its kind, which then stands before the field.
    location = list(item["loc"])
    if len(location) > 1 and location[0] in ROW_KINDS:
        del location[0]
    name = ".".join(_part(part) for part in location) or "it"
    kind, message = item["type"], str(item["msg"])
    if kind == "missing":
        return f"{name} is missing"
    if kind == "extra_forbidden":
        return f"{name} is no field of this record"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        found = item.get("ctx", {}).get("tag", None)
        return f"kind should be one of {', '.join(ROW_KINDS)}, got {short(found)}"
    if kind == "value_error":
        return f"{name} {message.removeprefix('Value error, ')}"
    if kind == "string_pattern_mismatch":
        message = "Input should be letters, digits, '.', '_' and '-'"
    wanted = message.removeprefix("Input ").replace("valid dictionary", "JSON object")
    return f"{name} {wanted}, got {short(item['input'])}"


def _part(part: object) -> str:
    """A key, which may be as long and as odd as any value."""
    text = str(part)
    return text if len(text) <= LONGEST and text.isprintable() else short(text)


def parsed(path: Path, remedy: str) -> Any:
    """What a JSON file says.

    Args:
        path: The file.
        remedy: What to do where it cannot be read.

    Raises:
        FileNotFoundError: There is none.
        Problems: It is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise Problems([f"{path}: nested too deeply"], remedy) from error
    except json.JSONDecodeError as error:
        raise Problems([f"{path}:{error.lineno}: not JSON: {error.msg}"], remedy) from error
    except UnicodeDecodeError as error:
        raise Problems([f"{path}: damaged ({error})"], remedy) from error


def read_json(path: Path, adapter: TypeAdapter[T], remedy: str) -> T:
    """Reads a record that is one JSON file.

    Args:
        path: The file.
        adapter: The record's type.
        remedy: What to do where it does not fit.

    Raises:
        FileNotFoundError: There is no such file.
        Problems: It is damaged or does not fit its type.
    """
    return fitting(path, lambda: adapter.validate_python(parsed(path, remedy)), remedy)


def read_model(path: Path, model: type[M], remedy: str) -> M:
    """The same for a record that is a model."""
    return fitting(path, lambda: model.model_validate(parsed(path, remedy)), remedy)


def fitting(path: Path, validate: Callable[[], T], remedy: str) -> T:
    """What a validation gives.

    Args:
        path: The file that is validated.
        validate: Holds what it says to its type.
        remedy: What to do where it does not fit.

    Raises:
        Problems: It does not fit.
    """
    try:
        return validate()
    except ValidationError as error:
        raise Problems([f"{path}: {what}" for what in shape_problems(error)], remedy) from error
