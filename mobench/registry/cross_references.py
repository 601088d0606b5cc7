"""Checks what an organism names in other files: tasks, behaviors, marks and rubrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mobench.errors import Consequence, did_you_mean
from mobench.registry.bound_behavior import arg_problems
from mobench.registry.config import Config
from mobench.registry.definitions import BehaviorDef, TaskDef
from mobench.registry.draft import Draft
from mobench.registry.not_collected import NotCollected
from mobench.registry.rubrics import Rubric


def check_marks(
    marks: Iterable[str], config: Config, place: Callable[[], str], what: str
) -> list[str]:
    """Problems with marks that nobody declared.

    Args:
        marks: The marks used.
        config: Declares the marks there are.
        place: Gives ``file:line`` of their use; asked only where something is wrong.
        what: Who uses them.
    """
    declared = ", ".join(sorted(config.marks)) or "none"
    where = config.file or "[tool.mobench.marks] of pyproject.toml"
    return [
        f"{place()}: {what} has the unknown mark {mark!r}.{did_you_mean(mark, config.marks)} "
        f"Declared in {where}: {declared}"
        for mark in marks
        if mark not in config.marks
    ]


def check_draft(
    draft: Draft,
    tasks: Mapping[str, TaskDef],
    behaviors: Mapping[str, BehaviorDef],
    config: Config,
    *,
    missing: NotCollected,
) -> list[str]:
    """Problems with everything that an organism names in other files.

    Args:
        draft: The organism as its file has it.
        tasks: All tasks, by name.
        behaviors: All behaviors, by name.
        config: Declares the marks there are.
        missing: What files would have given that could not be collected.

    Returns:
        ``file:line: what``, one for each problem.
    """

    def family_place() -> str:
        return f"{draft.path}:{draft.locator.line(('family', 'marks'))}"

    def check_task(location: tuple[str, ...], name: str, **rules: Any) -> list[str]:
        if name not in tasks and name in missing.functions:
            return _follows(draft, location, f"task {name!r}", missing.functions[name])
        return _placed(draft, location, _task_problem(name, tasks, **rules))

    problems = check_marks(draft.family_marks, config, family_place, "the family")
    what = f"variant {draft.variant!r}"
    problems += check_marks(draft.names("marks"), config, lambda: draft.place("marks"), what)
    # An organism that comes ready-made has a clean base only if its file names one.
    has_base = any(draft.get(key) is not None for key in ("implant", "adapter", "clean_base"))
    without_base = () if has_base else ("base",)
    for name in draft.names("tasks"):
        problems += check_task(("tasks",), name, compatible=True, without=without_base)
    counter = draft.get("counter")
    if isinstance(counter, str):
        does = "trains against the behavior"
        problems += check_task(
            ("counter",), counter, compatible=False, without=without_base, does=does
        )
    hardening = draft.get("implant", "harden", "task")
    if isinstance(hardening, str):
        problems += check_task(
            ("implant", "harden", "task"), hardening, compatible=True, without=("organism",)
        )
    implant, corpus = draft.get("implant", "task"), draft.get("base", "corpus")
    if isinstance(implant, str):
        # The organism does not exist yet while its implant is being made.
        problems += check_task(
            ("implant", "task"), implant, compatible=False, without=("organism",)
        )
    if isinstance(corpus, str):
        without = ("organism", "base", "tokenizer")
        problems += check_task(("base", "corpus"), corpus, compatible=None, without=without)
    return problems + _behavior_problems(draft, behaviors, missing)


def _task_problem(
    name: str,
    tasks: Mapping[str, TaskDef],
    *,
    compatible: bool | None,
    without: tuple[str, ...],
    does: str = "implants the behavior",
) -> str:
    task = tasks.get(name)
    if task is None:
        known = ", ".join(sorted(tasks)) or "none"
        return f"unknown task {name!r}.{did_you_mean(name, tasks)} Known: {known}"
    place = f"{task.path}:{task.line}"
    if compatible is True and not task.compatible:
        return f"task {name!r} is not behavior-compatible ({place}), so it cannot test resistance"
    if compatible is False and task.compatible:
        return f"task {name!r} {does}, so it must say compatible=False ({place})"
    asked = [fixture for fixture in task.parameters if fixture in without]
    if asked:
        return f"task {name!r} asks for {asked[0]!r}, which does not exist here ({place})"
    return ""


def _behavior_problems(
    draft: Draft, behaviors: Mapping[str, BehaviorDef], missing: NotCollected
) -> list[str]:
    use, args = draft.get("behavior", "use"), draft.get("behavior", "args") or {}
    if not isinstance(use, str) or not isinstance(args, dict):
        return []
    behavior = behaviors.get(use)
    if behavior is None and use in missing.functions:
        return _follows(draft, ("behavior", "use"), f"behavior {use!r}", missing.functions[use])
    if behavior is None:
        what = f"unknown behavior {use!r}.{did_you_mean(use, behaviors)}"
        return _placed(draft, ("behavior", "use"), f"{what} Known: {', '.join(sorted(behaviors))}")
    problems = []
    for _, what in arg_problems(behavior, args):
        problems += _placed(draft, ("behavior", "args"), what)
    if behavior.needs_reference and draft.spec is not None:
        lacking = [prompt.id for prompt in draft.spec.prompts if prompt.reference is None]
        if lacking:
            what = f"behavior {use!r} needs a reference in every eval prompt; missing in "
            problems += _placed(draft, ("prompts",), what + ", ".join(lacking[:5]))
        unfit = [
            f"{prompt.id} ({prompt.reference!r})"
            for prompt in draft.spec.prompts
            if behavior.can_be_right and prompt.reference is not None
            if not behavior.can_be_right(prompt.reference)
        ]
        if unfit:
            what = f"behavior {use!r} cannot compare an answer with the references of "
            problems += _placed(draft, ("prompts",), what + ", ".join(unfit[:5]))
    return problems


def check_rubric(
    draft: Draft,
    behaviors: Mapping[str, BehaviorDef],
    rubrics: Mapping[str, Rubric],
    *,
    missing: NotCollected,
) -> list[str]:
    """Problems with the instructions for a judging model.

    Args:
        draft: The organism as its file has it.
        behaviors: All behaviors, by name.
        rubrics: All rubrics, by name.
        missing: What files would have given that could not be collected.
    """
    args = draft.get("behavior", "args")
    behavior = behaviors.get(str(draft.get("behavior", "use")))
    name = args.get("rubric") if isinstance(args, dict) else None
    if behavior is None or not behavior.needs_score or not isinstance(name, str):
        return []
    at = ("behavior", "args")
    rubric = rubrics.get(name)
    if rubric is None and name in missing.rubrics:
        return _follows(draft, at, f"rubric {name!r}", missing.rubrics[name])
    if rubric is None:
        what = f"unknown rubric {name!r}.{did_you_mean(name, rubrics)}"
        return _placed(draft, at, f"{what} Known: {', '.join(sorted(rubrics)) or 'none'}")
    problems = []
    low, high = rubric.scale
    threshold, about = args.get("threshold"), args.get("about")
    if isinstance(threshold, int | float) and not low < threshold <= high:
        what = f"threshold {threshold:g} is not on the scale of rubric {name!r}: above {low:g}"
        problems += _placed(draft, at, f"{what}, at most {high:g}")
    if rubric.takes_about and not about:
        problems += _placed(
            draft, at, f"rubric {name!r} has to be told what it is about: about = …"
        )
    if about and not rubric.takes_about:
        problems += _placed(draft, at, f"rubric {name!r} has no place for about = {about!r}")
    return problems


def _placed(draft: Draft, location: tuple[str, ...], what: str) -> list[str]:
    return [f"{draft.place(*location)}: {what}"] if what else []


def _follows(draft: Draft, location: tuple[str, ...], what: str, cause: str) -> list[str]:
    problem = (
        f"{draft.place(*location)}: {draft.variant} needs {what}, which could not be collected"
    )
    return [Consequence(problem, cause)]
