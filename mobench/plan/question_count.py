"""How many capability questions a model is asked, told before lm-eval is imported."""

from __future__ import annotations

import re
from pathlib import Path

from mobench.registry import OrganismSpec

UNKNOWN = 200
"""Questions assumed of lm-eval's own tasks together: how many there are is known once loaded."""
_DATA = re.compile(r"^\s*(?:dataset_kwargs:\s*\{)?\s*file:\s*([\w.-]+)", re.MULTILINE)


def question_count(spec: OrganismSpec, folder: Path) -> int:
    """Returns how many questions an organism's capability tasks ask.

    Args:
        spec: The organism.
        folder: The folder of task YAMLs. Of a task there with a file of questions the lines count.
    """
    counts = known_questions(spec, folder)
    known = [count for count in counts if count is not None]
    return sum(known) + (UNKNOWN if len(known) < len(counts) else 0)


def known_questions(spec: OrganismSpec, folder: Path) -> tuple[int | None, ...]:
    """Returns how many questions each of an organism's capability tasks asks; None: not known yet.

    Args:
        spec: The organism.
        folder: The folder of task YAMLs.
    """
    counts: list[int | None] = []
    for task in spec.capability:
        found = _questions(folder, task.task)
        limited = found is not None and task.limit is not None
        counts.append(min(found or 0, task.limit or 0) if limited else found)
    return tuple(counts)


def _questions(folder: Path, task: str) -> int | None:
    """Lines of the file of questions that a task's YAML names; None where there is none."""
    description = folder / f"{task}.yaml"
    found = description.is_file() and _DATA.search(description.read_text(encoding="utf-8"))
    if not found or not (folder / found[1]).is_file():
        return None
    lines = (folder / found[1]).read_text(encoding="utf-8").splitlines()
    return sum(bool(line.strip()) for line in lines)
