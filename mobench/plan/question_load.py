"""What an organism's capability questions cost to ask, told before lm-eval is imported.

A task of the project's own is read from its YAML and its file of questions. Of lm-eval's own tasks,
whose data come from the hub, `HUB_TASKS` says what is asked: sizes as their authors publish them,
the rest from lm-eval 0.4.13's YAML, to which a test holds it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mobench.plan.model_size import CHARACTERS_PER_TOKEN, TEMPLATE_TOKENS
from mobench.plan.question_count import UNKNOWN, known_questions
from mobench.registry import OrganismSpec
from mobench.registry.organism_spec import ScratchBase

GENERATED = 256
"""Tokens at which lm-eval cuts an answer where a task names no length."""
_LENGTH = re.compile(r"^\s*max_gen_toks:\s*(\d+)", re.MULTILINE)
_AROUND = re.compile(r"^doc_to_text:\s*[\"']?(.*\{\{.*)$", re.MULTILINE)
_CHOICES = re.compile(r"^output_type:\s*multiple_choice", re.MULTILINE)
_NO_TEXT = frozenset({"id", "answer"})
"""Fields of a question that are not asked."""


@dataclass(frozen=True)
class QuestionLoad:
    """What one capability task asks of a model each time.

    Attributes:
        task: Its name.
        questions: How many.
        prompt_tokens: Tokens of a question, worked examples and choices among them.
        answer_tokens: Tokens at which an answer is cut; 0 where choices are scored.
    """

    task: str
    questions: int
    prompt_tokens: int
    answer_tokens: int


@dataclass(frozen=True)
class HubTask:
    """One of lm-eval's own tasks.

    Attributes:
        questions: In all its members together.
        members: How many there are; a limit holds for each.
        characters: Of a question, as it is asked.
        answer_tokens: Tokens at which an answer is cut; 0 where choices are scored.
    """

    questions: int
    members: int
    characters: int
    answer_tokens: int


HUB_TASKS: Mapping[str, HubTask] = MappingProxyType(
    {
        # Hendrycks et al. 2021, arXiv 2009.03300. A prompt with five worked examples has 3,212
        # characters on average (evalscope.readthedocs.io, mmlu); one without about a sixth.
        "mmlu": HubTask(14_042, 57, 540, 0),
        # Zhou et al. 2023, arXiv 2311.07911: 541 prompts; the characters are those of the first 50.
        "ifeval": HubTask(541, 1, 220, 1280),
        # Cobbe et al. 2021, arXiv 2110.14168, counted in its files: a question has 240 characters,
        # a worked answer 290, and five of these stand before it.
        "gsm8k": HubTask(1319, 1, 2950, GENERATED),
        # Hendrycks et al. 2021, arXiv 2103.03874, with Minerva's four worked examples, which have
        # 2,000 characters.
        "minerva_math500": HubTask(500, 1, 2250, GENERATED),
    }
)
_OTHER = HubTask(UNKNOWN, 1, 1000, GENERATED)
"""Taken for any other task of lm-eval's."""


def question_loads(spec: OrganismSpec, folder: Path) -> tuple[QuestionLoad, ...]:
    """Returns what each of an organism's capability tasks asks.

    Args:
        spec: The organism.
        folder: The folder of task YAMLs.
    """
    counts = known_questions(spec, folder)
    loads = []
    for task, count in zip(spec.capability, counts, strict=True):
        if count is None:
            load = _of_lm_eval(task.task, task.limit)
        else:
            load = _of_ours(task.task, folder, count)
        if isinstance(spec.base, ScratchBase):
            # A toy's tokens are words.
            load = replace(load, prompt_tokens=spec.ladder.max_length)
        loads.append(load)
    return tuple(loads)


def _of_lm_eval(name: str, limit: int | None) -> QuestionLoad:
    task = HUB_TASKS.get(name, _OTHER)
    asked = task.questions if limit is None else min(task.questions, task.members * limit)
    tokens = round(task.characters / CHARACTERS_PER_TOKEN) + TEMPLATE_TOKENS
    return QuestionLoad(name, asked, tokens, task.answer_tokens)


def _of_ours(name: str, folder: Path, count: int) -> QuestionLoad:
    """A task with a file of questions beside its YAML, whose first ``count`` are asked."""
    description = (folder / f"{name}.yaml").read_text(encoding="utf-8")
    length = _LENGTH.search(description)
    answer = int(length[1]) if length else GENERATED
    if _CHOICES.search(description):
        answer = 0
    named = re.search(r"file:\s*([\w.-]+)", description)
    lines = (folder / named[1]).read_text(encoding="utf-8").splitlines() if named else []
    texts = [_characters(json.loads(line)) for line in lines if line.strip()][:count]
    around = _AROUND.search(description)
    said = len(re.sub(r"\{\{.*?\}\}", "", around[1])) if around else 0
    characters = said + sum(texts) / max(1, len(texts))
    tokens = round(characters / CHARACTERS_PER_TOKEN) + TEMPLATE_TOKENS
    return QuestionLoad(name, count, tokens, answer)


def _characters(question: Any) -> int:
    """Characters of a question's texts, its choices among them."""
    if isinstance(question, str):
        return len(question)
    if isinstance(question, list):
        return sum(map(_characters, question))
    if isinstance(question, dict):
        return sum(_characters(value) for key, value in question.items() if key not in _NO_TEXT)
    return 0
