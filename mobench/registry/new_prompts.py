"""Eval prompts as a user brings them: JSON lines, with or without ids, or one prompt a line."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from mobench.errors import Problems
from mobench.registry.prompts_file import read_prompts


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
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise Problems([f"{path}:1: cannot be read: {error}"]) from error
    # Blank lines stay until it was read: so a problem's line is that of the user's file.
    named = [_with_id(line.strip(), number) for number, line in enumerate(lines, start=1)]
    problems: list[str] = []
    with TemporaryDirectory() as scratch:
        copy = Path(scratch) / "prompts.jsonl"
        copy.write_text("\n".join(named), encoding="utf-8")
        prompts = read_prompts(copy, problems)
        problems = [problem.replace(str(copy), str(path)) for problem in problems]
    if with_reference:
        filled = [number for number, line in enumerate(named, start=1) if line]
        problems += [
            f"{path}:{number}: has no reference: the right answer, which a wrong one is told from"
            for number, prompt in zip(filled, prompts, strict=False)
            if prompt.reference is None
        ]
    if problems:
        raise Problems(problems)
    return "".join(f"{line}\n" for line in named if line)


def _with_id(line: str, number: int) -> str:
    """The line as JSON with an id; what is no JSON object is the prompt itself."""
    name = json.dumps(f"p{number}")
    if not line:
        return ""
    if not line.startswith("{") and not _is_list(line):
        return f'{{"id": {name}, "prompt": {json.dumps(line, ensure_ascii=False)}}}'
    try:
        row = json.loads(line)
    except json.JSONDecodeError:
        return line
    # The rest stays as it was written, keys that stand there twice too.
    return (
        line
        if isinstance(row, list) or "id" in row or not row
        else f'{{"id": {name}, {line[1:].lstrip()}'
    )


def _is_list(line: str) -> bool:
    """Whether a line is a JSON list, as a whole file of prompts may be one: no prompt by itself."""
    try:
        return line.startswith("[") and isinstance(json.loads(line), list)
    except json.JSONDecodeError:
        return False
