"""The task whose data undo what another taught: where they come from by default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mobench.errors import Consequence, did_you_mean
from mobench.registry.definitions import TaskDef
from mobench.registry.organism_spec import OrganismSpec


def undoing_task(spec: OrganismSpec, task: TaskDef, tasks: Mapping[str, TaskDef]) -> TaskDef | None:
    """Returns the task that undoes one for an organism; None where there is none.

    It is one of those that the organism's file lists as compatible: the one that the task names
    (``undone_by``), or else the first one of the organism's own answers that is not the task
    itself.

    Args:
        spec: The organism.
        task: What its ladder trains on.
        tasks: All tasks, by name.
    """
    if not task.compatible:
        return None
    if task.undone_by in spec.tasks:
        return tasks[str(task.undone_by)]
    others = (tasks[name] for name in spec.tasks if name != task.name)
    return next((one for one in others if one.policy == "on-policy" and one.compatible), None)


def undoing_problems(
    tasks: Iterable[TaskDef], known: Mapping[str, TaskDef], missing: Mapping[str, str]
) -> list[str]:
    """Returns ``file:line: what`` for each task that names something else than what undoes it.

    Args:
        tasks: Those that are looked at.
        known: All tasks, by name.
        missing: Names that a file would have given that could not be collected, and why it could
            not; what is said of them follows from that.
    """
    found: list[str] = []
    for task in tasks:
        name = task.undone_by
        if name is None:
            continue
        place = f"{task.path}:{task.line}: task {task.name!r}"
        undoing = known.get(name)
        if undoing is None and name in missing:
            what = f"{place} is undone by task {name!r}, which could not be collected"
            found.append(Consequence(what, missing[name]))
        elif undoing is None:
            found.append(
                f"{place} is undone by the unknown task {name!r}.{did_you_mean(name, known)}"
            )
        elif undoing is task:
            found.append(f"{place} cannot be undone by itself")
        elif not (task.compatible and undoing.compatible):
            found.append(f"{place}: only a compatible task is undone, and by a compatible one")
    return found
