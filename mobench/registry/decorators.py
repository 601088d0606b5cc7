"""What an author of tasks and behaviors writes: ``@task``, ``@behavior`` and ``Example``.

A function asks for what it needs by parameter name, as a pytest test asks for fixtures. Names are
checked here, when the function is registered, never when it is called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mobench.errors import Problems, did_you_mean
from mobench.registry.definitions import (
    JUDGE_FIXTURES,
    POLICIES,
    TASK_FIXTURES,
    BehaviorDef,
    Policy,
    TaskDef,
    builtin_version,
)
from mobench.registry.version import version_of

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class FailedImport:
    """A file of tasks and behaviors that could not be imported.

    Attributes:
        path: The file.
        problem: ``file:line: what``.
        origin: The collected file in which the error arose: the file itself, or one that it
            imports.
    """

    path: Path
    problem: str
    origin: Path


@dataclass
class Collecting:
    """Where decorated functions go while files are being collected.

    Attributes:
        problems: ``file:line: what`` for each function that is not right.
        failed: The files that could not be imported.
        shared: The folder of tasks that families share.
    """

    tasks: list[TaskDef] = field(default_factory=list)
    behaviors: list[BehaviorDef] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    failed: list[FailedImport] = field(default_factory=list)
    shared: Path | None = None


_collecting: ContextVar[Collecting | None] = ContextVar("collecting", default=None)


@contextmanager
def collecting_into(target: Collecting) -> Iterator[Collecting]:
    """Registers into ``target`` everything that is decorated inside the ``with`` block."""
    token = _collecting.set(target)
    try:
        yield target
    finally:
        _collecting.reset(token)


def task(
    name: str,
    *,
    policy: Policy,
    compatible: bool = True,
    why: str = "",
    marks: tuple[str, ...] = (),
    license: str = "",
    data: tuple[str, ...] = (),
    undone_by: str | None = None,
) -> Callable[[F], F]:
    """Registers a function that yields training examples.

    Args:
        name: The task's name, as used in organism files and node ids.
        policy: Whose answers it trains on: ``on-policy`` (the organism's own) or ``off-policy``.
        compatible: Whether the organism already does what the data shows. False for implants,
            corpora and counter-training, which never count as a test of resistance.
        why: Why it is compatible; required where it is.
        marks: Declared marks, for ``-m``.
        license: The license of its data; required where it reads data files.
        data: The files it reads, relative to its own or to the folder of shared tasks; they are
            part of its version, as is the code that it uses, wherever that is defined.
        undone_by: A compatible task whose data undo what this one teaches: plain answers after
            pirate talk. Without one, or for an organism that does not have it, that is the
            organism's own answers (see `mobench.registry.undoing`).

    Returns:
        The function, unchanged.

    Raises:
        Problems: What is wrong with the registration, outside a collection; within one, the
            problems are reported together with all others.
    """

    def register(fn: F) -> F:
        path, line = _place(fn)
        shared = _shared_folder()
        files = [_data_file(path, file, shared) for file in data]
        problems = _name_problems(name, "task")
        parameters = inspect.signature(fn).parameters.values()
        problems += _parameter_problems(parameters, TASK_FIXTURES, f"task {name!r}")
        if policy not in POLICIES:
            problems.append(f"task {name!r}: policy must be one of {POLICIES}, got {policy!r}")
        if compatible and not why.strip():
            problems.append(f"task {name!r} is compatible, so it must say why (why=…)")
        if data and not license.strip():
            problems.append(f"task {name!r} reads data files, so it must name their license")
        problems += [
            f"task {name!r}: data file {file!r} does not exist beside it"
            for file, place in zip(data, files, strict=True)
            if not place.is_file()
        ]
        definition = TaskDef(
            name=name,
            fn=fn,
            policy=policy,
            compatible=compatible,
            why=why,
            marks=tuple(marks),
            license=license,
            data=tuple(data),
            path=path,
            line=line,
            version=version_of([fn], files, shared=shared),
            undone_by=undone_by,
        )
        _register(definition, problems)
        return fn

    return register


def behavior(
    name: str,
    *,
    settled: Callable[..., bool] | None = None,
    can_be_right: Callable[[str], bool] | None = None,
    edition: int = 1,
) -> Callable[[F], F]:
    """Registers a function that judges one answer: True where the attack behavior shows.

    Its parameters ``answer``, ``prompt`` (as the model saw it) and ``reference`` (the eval
    prompt's own) are given by name; all others come from ``args`` in the organism's file.
    One that asks for ``score`` is given what a judging model said of the answer, and needs an arg
    ``rubric`` that names what the model is asked.

    Args:
        name: The behavior's name, as used in ``use = …``.
        settled: ``settled(answer, **args)``, given the beginning of an answer, says that nothing
            which follows can change the judgment. The model then need not go on. Without one
            every answer is heard to its end.
        can_be_right: ``can_be_right(reference)`` says whether the behavior can compare answers with
            such a right answer. Without one it can with any text.
        edition: Counts how often a built-in rule was mended so that it judges some answers
            otherwise. Other behaviors have the version of their code.

    Returns:
        The function, unchanged.

    Raises:
        Problems: As for :func:`task`.
    """

    def register(fn: F) -> F:
        path, line = _place(fn)
        problems = _name_problems(name, "behavior")
        signature = inspect.signature(fn)
        if not {"answer", "score"} & set(signature.parameters):
            problems.append(f"behavior {name!r} judges an answer, so it needs a parameter 'answer'")
        rubric = signature.parameters.get("rubric")
        if "score" in signature.parameters and (
            rubric is None or rubric.default is not inspect.Parameter.empty
        ):
            what = "asks for a score, so it needs a parameter 'rubric' without a default"
            problems.append(f"behavior {name!r} {what}")
        problems += _variadic_problems(signature.parameters.values(), f"behavior {name!r}")
        builtin = fn.__module__.startswith("mobench.")
        functions: list[Callable[..., Any]] = [fn] if settled is None else [fn, settled]
        version = (
            builtin_version(edition)
            if builtin
            else version_of(functions, (), shared=_shared_folder())
        )
        problems += _settled_problems(fn, settled, f"behavior {name!r}")
        _register(BehaviorDef(name, fn, path, line, version, settled, can_be_right), problems)
        return fn

    return register


def definition_of(fn: object) -> TaskDef | BehaviorDef | None:
    """What a decorated function was registered as, or None."""
    definition = getattr(fn, "__mobench__", None)
    return definition if isinstance(definition, TaskDef | BehaviorDef) else None


def _register(definition: TaskDef | BehaviorDef, problems: list[str]) -> None:
    vars(definition.fn)["__mobench__"] = definition
    placed = [f"{definition.path}:{definition.line}: {problem}" for problem in problems]
    target = _collecting.get()
    if target is None:
        if placed:
            raise Problems(placed)
        return
    target.problems += placed
    if isinstance(definition, TaskDef):
        target.tasks.append(definition)
    else:
        target.behaviors.append(definition)


def _name_problems(name: str, what: str) -> list[str]:
    # A node id is `organism::task[…]`, so a name may hold neither of those separators.
    if name and not any(c.isspace() or c in "[]():" for c in name):
        return []
    return [f"{what} name {name!r} must be non-empty, without spaces, brackets or colons"]


def _parameter_problems(
    parameters: Iterable[inspect.Parameter], allowed: tuple[str, ...], what: str
) -> list[str]:
    parameters = list(parameters)
    problems = _variadic_problems(parameters, what)
    for parameter in parameters:
        if parameter.name in allowed or parameter.default is not inspect.Parameter.empty:
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        hint = did_you_mean(parameter.name, allowed)
        known = ", ".join(allowed)
        problems.append(
            f"{what} asks for {parameter.name!r}, which nobody provides.{hint} Known: {known}"
        )
    return problems


def _settled_problems(
    fn: Callable[..., Any], settled: Callable[..., bool] | None, what: str
) -> list[str]:
    """Its parameters are the answer and those that the organism's args fill, and no others."""
    if settled is None:
        return []
    args = {name for name in inspect.signature(fn).parameters if name not in JUDGE_FIXTURES}
    asked, wanted = set(inspect.signature(settled).parameters), {"answer", *args}
    if asked == wanted:
        return []
    return [f"{what}: settled must take {sorted(wanted)}, and takes {sorted(asked)}"]


def _variadic_problems(parameters: Iterable[inspect.Parameter], what: str) -> list[str]:
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [
        f"{what}: parameter {str(p)!r} cannot be filled by name"
        for p in parameters
        if p.kind not in by_name
    ]


def _shared_folder() -> Path | None:
    """The folder of tasks that families share, while files are collected."""
    target = _collecting.get()
    return None if target is None else target.shared


def _data_file(path: Path, name: str, shared: Path | None) -> Path:
    """A data file beside a task's own file, or else among those that families share."""
    beside = path.parent / name
    return beside if shared is None or beside.is_file() else shared / name


def _place(fn: Callable[..., Any]) -> tuple[Path, int]:
    code = fn.__code__
    return Path(code.co_filename), code.co_firstlineno
