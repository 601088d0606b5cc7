"""What organisms need beyond what was collected: shipped defaults, and files beside a lone one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from mobench.registry.config import Config, shipped_config
from mobench.registry.decorators import Collecting
from mobench.registry.definitions import BehaviorDef
from mobench.registry.draft import Draft
from mobench.registry.rubrics import Rubric, read_rubrics
from mobench.registry.task_files import import_files


def borrow_defaults(drafts: Iterable[Draft], collecting: Collecting, config: Config) -> Config:
    """Adds the shipped tasks and suites that organisms take by default and their registry lacks.

    Args:
        drafts: All organisms.
        collecting: What was collected; receives the tasks.
        config: Where that was found.

    Returns:
        The configuration, with the folders and marks of what was added.
    """
    own = {task.name for task in collecting.tasks}
    drafts = list(drafts)
    by_default = (draft.names("tasks") for draft in drafts if "tasks" in draft.whole.defaults)
    wanted = {name for names in by_default for name in names} - own
    if not wanted and not any(draft.whole.borrowed for draft in drafts):
        return config
    shipped = shipped_config()
    if shipped is None or set(shipped.tasks) <= set(config.tasks):
        return config
    lent = Collecting(shared=next(iter(shipped.tasks), None))
    for folder in shipped.tasks:
        import_files(folder, lent)
    collecting.tasks += [task for task in lent.tasks if task.name in wanted]
    return replace(
        config,
        tasks=(*config.tasks, *shipped.tasks),
        marks={**shipped.marks, **config.marks},
    )


def lent_rubrics(config: Config, broken: Collection[str]) -> dict[str, Rubric]:
    """The shipped rubrics, for trees that do not hold them.

    Args:
        config: Where the tree is.
        broken: Names of rubrics that the tree has and that are not right.
    """
    shipped = shipped_config()
    if shipped is None or set(shipped.tasks) <= set(config.tasks):
        return {}
    lent = read_rubrics(shipped.tasks, [], {})
    return {name: rubric for name, rubric in lent.items() if name not in broken}


def import_beside(
    file: Path, drafts: Sequence[Draft], builtin: Sequence[BehaviorDef], collecting: Collecting
) -> None:
    """Imports the Python files beside an organism's file that lies in no registry.

    Such a file may lie among scripts that do something when they are imported, so that happens only
    where an organism names a task or a behavior that is defined nowhere else.

    Args:
        file: The organism's file.
        drafts: Its organisms.
        builtin: The behaviors that ship inside the package.
        collecting: What was collected; receives what the files register.
    """
    known = {task.name for task in collecting.tasks}
    known |= {behavior.name for behavior in (*builtin, *collecting.behaviors)}
    places = (
        ("counter",),
        ("implant", "task"),
        ("implant", "harden", "task"),
        ("base", "corpus"),
        ("behavior", "use"),
    )
    named = {draft.get(*place) for draft in drafts for place in places} - {None}
    named |= {name for draft in drafts for name in draft.names("tasks")}
    if not named <= known:
        import_files(file.parent, collecting, below=False)
