"""Capability: lm-eval's score of every question, as rows.

lm-eval's own loop is called, never copied, so a score here is the score that its command line
gives. Only what does not depend on the model is kept from one call to the next: the index of task
files and the tasks with their questions. lm-eval's ``use_cache`` is not touched: it is keyed by
the prompt alone, and two checkpoints would share their scores.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from mobench.errors import MobenchError, did_you_mean
from mobench.quiet import quiet

Row = dict[str, Any]

# The seed that lm-eval's command line uses for sampling and for picking worked examples.
LM_EVAL_SEED = 1234
LONGEST_ANSWER = 200


class CapabilityTask(Protocol):
    """What is asked for: an lm-eval task or group, and the metric that counts.

    ``metric`` is the name in the task's YAML; ``metric,filter`` picks one of several filters, as
    lm-eval writes it in its results (``exact_match,flexible-extract``). Without one the task's
    first filter counts. ``limit`` is per task, and per member of a group, as in lm-eval.
    """

    @property
    def task(self) -> str:
        """Name of a task or group."""

    @property
    def metric(self) -> str:
        """The metric, and perhaps the filter, whose value is the outcome."""

    @property
    def chat_template(self) -> bool:
        """Whether a question is asked as a user's turn."""

    @property
    def limit(self) -> int | None:
        """How many questions to ask, or None for all."""


def measure_capability(
    model: Any,
    tokenizer: Any,
    tasks: Sequence[CapabilityTask],
    *,
    include_path: Path,
    batch_size: int,
    on_progress: Callable[[int], None] | None = None,
) -> list[Row]:
    """Scores every question of the tasks under a model.

    Tasks with the same template and limit share one lm-eval call. Model, tokenizer and random
    states are left as they were found. Not for two threads at once: the tasks are shared.

    Args:
        model: A Hugging Face causal LM, on its device.
        tokenizer: Its tokenizer, with a chat template where a task asks for one.
        tasks: What to ask.
        include_path: Folder of task YAMLs; a name that is not in it is one of lm-eval's own.
        batch_size: Sequences in a forward pass.
        on_progress: Called with the number of questions just begun to be answered.

    Returns:
        One row for each task and question, without ``cell`` and ``step``: kind, task, prompt (the
        question's id), outcome in [0, 1], inert (None), answer (the text that was scored).

    Raises:
        MobenchError: A task or metric that lm-eval does not know, data that it cannot load, a
            metric that is not a number in [0, 1] for each question, or no chat template.
    """
    check_capability(tasks, include_path=include_path)
    if not tokenizer.chat_template and any(task.chat_template for task in tasks):
        raise MobenchError(
            "a capability task is to be asked through a chat template and the tokenizer has none",
            "set chat_template = false in the organism's capability table",
        )
    rows: dict[int, list[Row]] = {}
    with quiet(), _left_as_found(model, tokenizer):
        for (chat, limit), numbers in _calls(tasks).items():
            loaded = {n: load_task(include_path, tasks[n].task) for n in numbers}
            samples = _evaluate(
                model,
                tokenizer,
                {name: leaf for leaves in loaded.values() for name, leaf in leaves.items()},
                chat=chat,
                limit=limit,
                batch_size=batch_size,
                on_progress=on_progress,
            )
            for n, leaves in loaded.items():
                rows[n] = [row for leaf in leaves for row in _rows(tasks[n], leaf, samples[leaf])]
    return [row for n in range(len(tasks)) for row in rows[n]]


def check_capability(tasks: Iterable[CapabilityTask], *, include_path: Path) -> None:
    """Loads the tasks and checks that each gives the metric asked for, before anything is run.

    Raises:
        MobenchError: A task or metric that lm-eval does not know, or data it cannot load.
    """
    for asked in tasks:
        metric, _, chosen = asked.metric.partition(",")
        for name, leaf in load_task(include_path, asked.task).items():
            known = sorted(map(str, leaf.aggregation()))
            filters = [str(f["name"]) for f in leaf.config.filter_list or [{"name": "none"}]]
            if metric not in known:
                raise MobenchError(
                    f"capability task {name} gives no metric {metric!r}."
                    f"{did_you_mean(metric, known)}",
                    f"choose one of: {', '.join(known)}",
                )
            if chosen and chosen not in filters:
                raise MobenchError(
                    f"capability task {name} has no filter {chosen!r}."
                    f"{did_you_mean(chosen, filters)}",
                    f"choose one of: {', '.join(filters)}",
                )


@lru_cache(maxsize=64)
def load_task(include_path: Path, name: str) -> Mapping[str, Any]:
    """Loads a task, or the members of a group, by name; a second call returns the same objects.

    Raises:
        MobenchError: An unknown name, or data that cannot be loaded.
    """
    with quiet(), _seeded():  # making a data set draws random numbers
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
        except Exception as error:  # data sets fail in as many ways as there are loaders
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
    """The index of task files. lm-eval's own are thousands, so they are read only when needed."""
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=str(include_path), include_defaults=lm_eval_too)


def _calls(tasks: Sequence[CapabilityTask]) -> dict[tuple[bool, int | None], list[int]]:
    """Which tasks, by number, one lm-eval call can answer together."""
    calls: dict[tuple[bool, int | None], list[int]] = {}
    for number, task in enumerate(tasks):
        calls.setdefault((task.chat_template, task.limit), []).append(number)
    return calls


def _evaluate(
    model: Any,
    tokenizer: Any,
    leaves: Mapping[str, Any],
    *,
    chat: bool,
    limit: int | None,
    batch_size: int,
    on_progress: Callable[[int], None] | None,
) -> Mapping[str, list[dict[str, Any]]]:
    """One call of lm-eval's loop; returns its logged samples by task."""
    from lm_eval.evaluator import evaluate
    from lm_eval.models.huggingface import HFLM

    for leaf in leaves.values():
        # Picking worked examples moves the task's random state; a kept task starts over.
        leaf.set_fewshot_seed(seed=LM_EVAL_SEED)
    lm = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch_size)
    if on_progress is not None:
        lm.set_cache_hook(_Counter(on_progress))
    results = evaluate(
        lm=lm,
        task_dict={"tasks": dict(leaves)},
        limit=limit,
        bootstrap_iters=0,
        log_samples=True,
        apply_chat_template=chat,
        fewshot_as_multiturn=chat,
    )
    samples: dict[str, list[dict[str, Any]]] = results["samples"]
    return samples


class _Counter:
    """Stands where lm-eval's cache would listen, and counts the contexts as they are finished."""

    def __init__(self, on_progress: Callable[[int], None]) -> None:
        self._on_progress = on_progress
        self._seen: set[str] = set()

    def add_partial(self, _kind: str, request: Sequence[Any], _result: object) -> None:
        """Called by lm-eval with each finished request; a question's choices share a context."""
        if request[0] not in self._seen:
            self._seen.add(request[0])
            self._on_progress(1)


def _rows(asked: CapabilityTask, leaf: str, samples: Sequence[Mapping[str, Any]]) -> list[Row]:
    metric, _, chosen = asked.metric.partition(",")
    chosen = chosen or samples[0]["filter"]
    mine = [sample for sample in samples if sample["filter"] == chosen]
    ids = _question_ids(mine)
    prefix = "" if leaf == asked.task else f"{leaf}/"
    return [
        {
            "kind": "capability",
            "task": asked.task,
            "prompt": prefix + name,
            "outcome": _outcome(asked, sample[metric]),
            "inert": None,
            "answer": answer_text(sample)[:LONGEST_ANSWER],
        }
        for name, sample in zip(ids, mine, strict=True)
    ]


def _question_ids(samples: Sequence[Mapping[str, Any]]) -> list[str]:
    """The questions' own ids where the data has them, else their place and content."""
    own = [sample["doc"].get("id") for sample in samples]
    if None not in own and len(set(map(str, own))) == len(own):
        return [str(name) for name in own]
    return [f"{sample['doc_id']}-{sample['doc_hash'][:8]}" for sample in samples]


def _outcome(asked: CapabilityTask, value: Any) -> float:
    try:
        outcome = float(value)
    except (TypeError, ValueError):
        outcome = -1.0
    if not 0 <= outcome <= 1:
        raise MobenchError(
            f"metric {asked.metric!r} of capability task {asked.task} gives {value!r} for a "
            "question, not a number from 0 to 1",
            "choose a metric that scores each question by itself, such as acc or exact_match",
        )
    return outcome


def answer_text(sample: Mapping[str, Any]) -> str:
    """What the model answered: the filtered text, or the likeliest of the choices."""
    given = sample["filtered_resps"]
    if isinstance(given[0], tuple | list) and len(given) > 1:
        best = max(range(len(given)), key=lambda number: given[number][0])
        choices = [str(arguments[1]) for arguments in sample["arguments"]]
        # Where the choices stand in the contexts, all the continuations are the same.
        return choices[best].strip() if len(set(choices)) > 1 else f"choice {best}"
    return str(given[0])


@contextmanager
def _left_as_found(model: Any, tokenizer: Any) -> Iterator[None]:
    """Puts back what lm-eval changes in a model and its tokenizer."""
    modes = [(module, module.training) for module in model.modules()]
    padding = tokenizer.pad_token, tokenizer.padding_side
    try:
        with _seeded(model.device):
            yield
    finally:
        tokenizer.pad_token, tokenizer.padding_side = padding
        for module, training in modes:
            module.training = training


@contextmanager
def _seeded(device: Any = None) -> Iterator[None]:
    """Seeds as lm-eval's command line does, and puts the random states back after."""
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
