"""What is registered: a task and a behavior."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mobench.records.examples import Answer, Example
from mobench.records.names import POLICIES, Policy

__all__ = ["POLICIES", "Answer", "BehaviorDef", "Example", "Policy", "TaskDef"]

TASK_FIXTURES = ("organism", "base", "rng", "tokenizer", "spec")
"""What a task may ask for by parameter name."""

JUDGE_FIXTURES = ("answer", "prompt", "reference", "score")
"""What a behavior is given for each answer; its other parameters come from the organism's args.
``score`` is what a judging model said under the rubric that the arg ``rubric`` names."""

BUILTIN = "builtin"
"""The version of a behavior that ships inside the package; its tests pin what it does."""


def builtin_version(edition: int) -> str:
    """The version of a built-in behavior; that of a first edition is part of no revision.

    Args:
        edition: 1, and one more for every time that the rule was mended.
    """
    return BUILTIN if edition == 1 else f"{BUILTIN}-{edition}"


@dataclass(frozen=True)
class TaskDef:
    """A registered task.

    Attributes:
        version: First 12 hex digits of the SHA-256 over its function's code, the code that it uses
            and its data files.
        path: The file it was found in.
        line: The line of its decorator, counted from 1.
        undone_by: Name of the task whose data undo what this one teaches, where it names one.
    """

    name: str
    fn: Callable[..., Iterable[Example]]
    policy: Policy
    compatible: bool
    why: str
    marks: tuple[str, ...]
    license: str
    data: tuple[str, ...]
    path: Path
    line: int
    version: str
    undone_by: str | None = None

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The fixtures it asks for, by name."""
        names = inspect.signature(self.fn).parameters
        return tuple(name for name in names if name in TASK_FIXTURES)

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return _first_line(self.fn)


@dataclass(frozen=True)
class BehaviorDef:
    """A registered behavior: a judge of one answer.

    Attributes:
        settled: Told the beginning of an answer and the organism's args, says whether nothing that
            follows can change the judgment; None if that can never be said.
        can_be_right: Told a right answer, says whether answers can be compared with it; None if
            they can with any.
        version: ``"builtin"``, ``"builtin-2"`` for its second edition and so on; or the first 12
            hex digits of the SHA-256 over its function's code and the code that it uses.
    """

    name: str
    fn: Callable[..., bool]
    path: Path
    line: int
    version: str
    settled: Callable[..., bool] | None = None
    can_be_right: Callable[[str], bool] | None = None

    @cached_property
    def args(self) -> tuple[inspect.Parameter, ...]:
        """The parameters that an organism's ``args`` fill."""
        parameters = inspect.signature(self.fn).parameters.values()
        return tuple(p for p in parameters if p.name not in JUDGE_FIXTURES)

    @cached_property
    def needs_reference(self) -> bool:
        """Whether every eval prompt has to carry a reference answer."""
        return "reference" in inspect.signature(self.fn).parameters

    @property
    def needs_score(self) -> bool:
        """Whether a judging model has to be asked about every answer."""
        return "score" in inspect.signature(self.fn).parameters

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return _first_line(self.fn)


def _first_line(fn: Callable[..., Any]) -> str:
    return (inspect.getdoc(fn) or "").split("\n", 1)[0]
