"""lm-eval's tasks that measure capability: loading and checking them.

The index of task files and the tasks with their questions do not depend on the model, so they are
kept in memory from one call to the next.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from mobench.errors import MobenchError, did_you_mean
from mobench.quiet import quiet

LM_EVAL_SEED = 1234
"""The seed that lm-eval's command line uses for sampling and for picking worked examples."""


class CapabilityTask(Protocol):
    """An lm-eval task or group that is asked, and the metric that counts.

    ``metric`` is the name in the task's YAML. ``metric,filter`` names one of several filters, as
    lm-eval does in its results (``exact_match,flexible-extract``); without that, the task's first
    filter counts. ``limit`` is per task, and per member of a group, as in lm-eval.
    """

    @property
    def task(self) -> str:
        """Name of a task or group."""

    @property
    def metric(self) -> str:
        """The metric whose value is the outcome, and possibly its filter."""

    @property
    def chat_template(self) -> bool:
        """Whether questions are put into a user's turn of the chat template."""

    @property
    def limit(self) -> int | None:
        """How many questions to ask, or None for all."""


def check_capability(tasks: Iterable[CapabilityTask], *, include_path: Path) -> None:
    """Loads the tasks and checks that each gives the metric asked for, before anything is run.

    Raises:
        MobenchError: lm-eval does not know a task or metric, or cannot load its data.
    """
    for task in tasks:
        metric, _, chosen = task.metric.partition(",")
        for name, leaf in load_task(include_path, task.task).items():
            metrics = sorted(map(str, leaf.aggregation()))
            filters = _filters(leaf)
            if metric not in metrics:
                raise MobenchError(
                    f"capability task {name} gives no metric {metric!r}."
                    f"{did_you_mean(metric, metrics)}",
                    f"choose one of: {', '.join(metrics)}",
                )
            if chosen and chosen not in filters:
                raise MobenchError(
                    f"capability task {name} has no filter {chosen!r}."
                    f"{did_you_mean(chosen, filters)}",
                    f"choose one of: {', '.join(filters)}",
                )


def how_asked(task: CapabilityTask, *, include_path: Path) -> dict[str, Any]:
    """Returns how lm-eval asks a task, for the manifest: what does not follow from its name.

    Args:
        task: A task that :func:`check_capability` accepts.
        include_path: Folder of the project's own tasks.

    Returns:
        ``fewshot``: worked examples before a question. ``filter``: what extracts the scored text
        from an answer. ``output``: lm-eval's output type, ``generate_until`` where the model
        answers in words. ``version``: the task's own version. ``questions``: how many are asked.
        ``chance``: the mean score of one who guesses, 0 where the model answers in words; left out
        where that does not follow from the questions. A value that differs between the members of
        a group is a sorted list.
    """
    _, _, chosen = task.metric.partition(",")
    leaves = list(load_task(include_path, task.task).values())
    members = [
        {
            "fewshot": leaf.get_config("num_fewshot"),
            "filter": chosen or _filters(leaf)[0],
            "output": str(leaf.OUTPUT_TYPE),
            "version": str(leaf.VERSION),
        }
        for leaf in leaves
    ]
    counts = [len(leaf.eval_docs) for leaf in leaves]
    questions = sum(n if task.limit is None else min(n, task.limit) for n in counts)
    common = {key: _one_or_all([member[key] for member in members]) for key in members[0]}
    chance = _chance(leaves, task.limit)
    known = {} if chance is None else {"chance": round(chance, 6)}
    return {**common, "questions": questions, **known}


def _chance(leaves: Sequence[Any], limit: int | None) -> float | None:
    """The mean score over questions of one who guesses; None where a task is of another kind.

    Of choices every one is as likely. In words nobody hits on an answer, as far as that is known.
    """
    guessed: list[float] = []
    for leaf in leaves:
        asked = leaf.eval_docs if limit is None else list(leaf.eval_docs)[:limit]
        kind = str(leaf.OUTPUT_TYPE)
        if kind == "generate_until":
            guessed += [0.0] * len(asked)
        elif kind == "multiple_choice":
            guessed += [1.0 / len(leaf.doc_to_choice(question)) for question in asked]
        else:
            return None
    return sum(guessed) / len(guessed) if guessed else None


def _one_or_all(values: list[Any]) -> Any:
    """The value that all have in common, or else the sorted list of all values."""
    distinct = sorted(set(values))
    return distinct[0] if len(distinct) == 1 else distinct


def _filters(leaf: Any) -> list[str]:
    """The names of a task's filters."""
    return [str(entry["name"]) for entry in leaf.config.filter_list or [{"name": "none"}]]


@lru_cache(maxsize=64)
def load_task(include_path: Path, name: str) -> Mapping[str, Any]:
    """Loads a task, or the members of a group, by name. A second call returns the same objects.

    Raises:
        MobenchError: The name is unknown, or the data cannot be loaded.
    """
    with quiet(), seeded():  # Making a data set draws random numbers.
        manager = _manager(include_path, lm_eval_too=False)
        if name not in manager.all_tasks:
            manager = _manager(include_path, lm_eval_too=True)
        if name not in manager.all_tasks:
            raise MobenchError(
                f"unknown capability task {name!r}.{did_you_mean(name, manager.all_tasks)}",
                f"put {name}.yaml into {include_path}, or take a name from `lm_eval ls tasks`",
            )
        try:
            leaves: dict[str, Any] = manager.load([name])["tasks"]
        except Exception as error:  # Loaders of data sets raise all kinds of errors.
            raise MobenchError(
                f"capability task {name} cannot be loaded: {type(error).__name__}: {error}",
                "check the task's YAML and data; data from the hub needs a connection once",
            ) from error
    for leaf in leaves.values():
        if leaf.get_config("num_fewshot") is None:
            leaf.set_config(key="num_fewshot", value=0)
    return leaves


@lru_cache(maxsize=8)
def _manager(include_path: Path, *, lm_eval_too: bool) -> Any:
    """The index of task files. lm-eval's own are thousands, so they are only read if needed."""
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=str(include_path), include_defaults=lm_eval_too)


@contextmanager
def seeded(device: Any = None) -> Iterator[None]:
    """Seeds as lm-eval's command line does, and restores the random states afterwards.

    Args:
        device: The model's device, whose random state is restored too; None without a model.
    """
    import numpy as np
    import torch

    python_state, numpy_state = random.getstate(), np.random.get_state()
    gpus = [device] if device is not None and device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=gpus):
            random.seed(0)
            np.random.seed(LM_EVAL_SEED)
            torch.manual_seed(LM_EVAL_SEED)
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
