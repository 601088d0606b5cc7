"""Reads eval prompts: JSON lines, every wrong line reported with its number."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from mobench.records.conversation import Prompt, as_conversation, as_text, is_blank, texts_of
from mobench.records.json_objects import RepeatedKeys, short, without_repeated_keys
from mobench.registry.control_tokens import shown, well_known_tokens
from mobench.registry.eval_schema import EvalPrompt
from mobench.registry.validation_errors import schema_errors

SHOWN = 8
"""Lines named in a message."""
_PROMPTS = TypeAdapter(tuple[EvalPrompt, ...])


def read_prompts(path: Path, problems: list[str]) -> tuple[EvalPrompt, ...]:
    """Reads eval prompts, one ``{"id": …, "prompt": …}`` per line.

    Args:
        path: The JSONL file.
        problems: Receives ``file:line: what`` for everything that is wrong.

    Returns:
        The prompts in the file's order; empty if anything was wrong.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        problems.append(f"{path}:1: cannot be read: {error}")
        return ()
    if sound := _all_sound(lines):
        return sound
    prompts: dict[int, EvalPrompt] = {}
    wrong: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            parsed = json.loads(line, object_pairs_hook=without_repeated_keys)
            if not isinstance(parsed, dict):
                wrong.append((number, f"must be one object a line, got {short(line.strip())}"))
                continue
            prompts[number] = EvalPrompt.model_validate(parsed)
        except json.JSONDecodeError as error:
            wrong.append((number, f"not JSON: {error.msg} at column {error.colno}"))
        except RepeatedKeys as error:
            wrong.append((number, str(error)))
        except ValidationError as error:
            wrong += [(number, one.what) for one in schema_errors(error)]
    for number, prompt in prompts.items():
        wrong += [(number, what) for what in _faults(prompt)]
    wrong += _repeated(prompts)
    if not prompts and not wrong:
        wrong.append((1, "holds no prompts"))
    problems += [f"{path}:{number}: {what}" for number, what in sorted(wrong, key=itemgetter(0))]
    return () if wrong else tuple(prompts.values())


def _all_sound(lines: list[str]) -> tuple[EvalPrompt, ...]:
    """All prompts of a file read at once, many times as fast as line by line; empty if any is odd.

    A file with anything odd is then read line by line, so that its problems get line numbers.
    """
    filled = [stripped for line in lines if (stripped := line.strip())]
    # Otherwise an object might begin on one line and end on the next.
    if not all(line.startswith("{") and line.endswith("}") for line in filled):
        return ()
    try:
        parsed = json.loads(f"[{','.join(filled)}]", object_pairs_hook=without_repeated_keys)
        prompts = _PROMPTS.validate_python(parsed)
    except (ValueError, RecursionError):
        return ()
    alone = len(prompts) == len(filled) == len({prompt.id for prompt in prompts})
    different = len({_asked(prompt.prompt) for prompt in prompts}) == len(prompts)
    return prompts if alone and different and not any(map(_faults, prompts)) else ()


def _faults(prompt: EvalPrompt) -> list[str]:
    """What is wrong with one prompt, apart from its shape."""
    faults = []
    for key in ("prompt", "control", "reference"):
        value = getattr(prompt, key)
        if value is None:
            continue
        texts = texts_of(value)
        if any(map(is_blank, texts)):
            faults.append(f"{key} of {prompt.id!r} is blank")
        tokens = [token for text in texts for token in well_known_tokens(text)]
        if tokens and key != "reference":
            what = f"{key} of {prompt.id!r} holds control tokens of chat templates: {shown(tokens)}"
            faults.append(f"{what}. The template sets them; leave them out")
    return faults


def _repeated(prompts: Mapping[int, EvalPrompt]) -> list[tuple[int, str]]:
    """What stands twice, at the line where it stands again.

    Args:
        prompts: By their lines.
    """
    ids: dict[str, list[int]] = {}
    asked: dict[tuple[str, ...], list[int]] = {}
    for number, prompt in prompts.items():
        ids.setdefault(prompt.id, []).append(number)
        asked.setdefault(_asked(prompt.prompt), []).append(number)
    found = [
        (number, f"id {prompts[number].id!r} is already on line {first}")
        for first, *more in ids.values()
        for number in more
    ]
    for first, *more in asked.values():
        if more:
            what = f"asks the same as line {first}: {short(as_text(prompts[first].prompt))}"
            others = ", ".join(map(str, more[1 : SHOWN + 1])) + ", …" * (len(more) > SHOWN + 1)
            what += f"; so do {len(more) - 1} more (lines {others})" if others else ""
            found.append((more[0], f"{what}. Each prompt counts as one, so ask each once"))
    return found


def _asked(prompt: Prompt) -> tuple[str, ...]:
    """What a prompt asks, whatever its spacing and however its accents are composed."""
    turns = as_conversation(prompt)
    return tuple(
        f"{turn.role}: " + " ".join(unicodedata.normalize("NFC", turn.content).split())
        for turn in turns
    )
