"""Reads eval prompts: JSON lines, every wrong line reported with its number."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from mobench.registry.eval_schema import EvalPrompt
from mobench.registry.validation_errors import schema_errors

_PROMPTS = TypeAdapter(tuple[EvalPrompt, ...])


def read_prompts(path: Path, problems: list[str]) -> tuple[EvalPrompt, ...]:
    """Reads eval prompts, one ``{"id": …, "prompt": …}`` per line.

    Args:
        path: The JSONL file.
        problems: Receives ``file:line: what`` for everything that is wrong.

    Returns:
        The prompts in the file's order; empty if anything was wrong.
    """
    prompts: list[EvalPrompt] = []
    first_line: dict[str, int] = {}
    wrong: list[str] = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        problems.append(f"{path}:1: cannot be read: {error}")
        return ()
    if sound := _all_sound(lines):
        return sound
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            prompt = EvalPrompt.model_validate(json.loads(line))
        except json.JSONDecodeError as error:
            wrong.append(f"{place}: not JSON: {error.msg} at column {error.colno}")
            continue
        except ValidationError as error:
            wrong += [f"{place}: {one.what}" for one in schema_errors(error)]
            continue
        if prompt.id in first_line:
            wrong.append(f"{place}: id {prompt.id!r} is already on line {first_line[prompt.id]}")
        first_line.setdefault(prompt.id, number)
        prompts.append(prompt)
    if not prompts and not wrong:
        wrong.append(f"{path}:1: holds no prompts")
    problems += wrong
    return () if wrong else tuple(prompts)


def _all_sound(lines: list[str]) -> tuple[EvalPrompt, ...]:
    """All prompts of a file read at once, many times as fast as line by line; empty if any is odd.

    A file with anything odd is then read line by line, so that its problems get line numbers.
    """
    filled = [stripped for line in lines if (stripped := line.strip())]
    # Otherwise an object might begin on one line and end on the next.
    if not all(line.startswith("{") and line.endswith("}") for line in filled):
        return ()
    try:
        prompts = _PROMPTS.validate_json(f"[{','.join(filled)}]")
    except ValidationError:
        return ()
    alone = len(prompts) == len(filled) == len({prompt.id for prompt in prompts})
    return prompts if alone else ()
