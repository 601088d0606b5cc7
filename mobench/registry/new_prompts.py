"""Eval prompts as a user brings them: JSON lines, with or without ids, or one prompt a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mobench.errors import Problems
from mobench.registry.organism_schema import EvalPrompt
from mobench.registry.validation_errors import schema_errors


def brought_prompts(path: Path, *, with_reference: bool) -> str:
    """The content of a family's prompts file.

    Args:
        path: The user's file.
        with_reference: Whether each prompt needs its right answer.

    Returns:
        JSON lines, each with an ``id``: the user's own, or the number of its line.

    Raises:
        Problems: ``file:line: what`` for every line that is no prompt.
    """
    problems: list[str] = []
    lines: list[str] = []
    first_line: dict[str, int] = {}
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Problems([f"{path}:1: cannot be read: {error}"]) from error
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        row = _row(line, number)
        wrong = _wrong_with(row, with_reference=with_reference)
        name = row.get("id") if isinstance(row, dict) else None
        if isinstance(name, str) and first_line.setdefault(name, number) != number:
            wrong.append(f"id {name!r} is already on line {first_line[name]}")
        problems += [f"{path}:{number}: {what}" for what in wrong]
        lines.append(json.dumps(row, ensure_ascii=False))
    if not lines:
        problems.append(f"{path}:1: holds no prompts")
    if problems:
        raise Problems(problems)
    return "".join(f"{line}\n" for line in lines)


def _row(line: str, number: int) -> Any:
    """The prompt on a line; what is no JSON object is the prompt itself."""
    if not line.lstrip().startswith("{"):
        return {"id": f"p{number}", "prompt": line.strip()}
    try:
        return {"id": f"p{number}", **json.loads(line)}
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at column {error.colno}"


def _wrong_with(row: Any, *, with_reference: bool) -> list[str]:
    if isinstance(row, str):
        return [row]
    try:
        prompt = EvalPrompt.model_validate(row)
    except ValidationError as error:
        return [one.what for one in schema_errors(error)]
    if with_reference and prompt.reference is None:
        return ["has no reference: the right answer, which a wrong one is told from"]
    return []
