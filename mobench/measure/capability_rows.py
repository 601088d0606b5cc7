"""Capability: lm-eval's score of every question, as rows.

lm-eval's own loop is called, never copied, so a score here is the score that its command line
gives. lm-eval's ``use_cache`` is not touched: it is keyed by the prompt alone, and two checkpoints
would share their scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mobench.errors import MobenchError
from mobench.measure.capability_tasks import (
    LM_EVAL_SEED,
    CapabilityTask,
    check_capability,
    load_task,
    seeded,
)
from mobench.quiet import quiet

Row = dict[str, Any]

LONGEST_ANSWER = 200


def measure_capability(
    model: Any,
    tokenizer: Any,
    tasks: Sequence[CapabilityTask],
    *,
    include_path: Path,
    batch_size: int,
    on_progress: Callable[[int], None] | None = None,
) -> list[Row]:
    """Scores every question of the tasks under a Hugging Face model.

    Model, tokenizer and random states are left as they were found. Not for two threads at once:
    the tasks are shared.

    Args:
        model: A Hugging Face causal LM, on its device.
        tokenizer: Its tokenizer, with a chat template where a task asks for one.
        tasks: What to ask.
        include_path: Folder of task YAMLs; a name that is not in it is one of lm-eval's own.
        batch_size: Sequences in a forward pass.
        on_progress: Called with the number of questions just begun to be answered.

    Returns:
        The rows, as :func:`score_tasks` gives them.

    Raises:
        MobenchError: As :func:`score_tasks`.
    """

    def make() -> Any:
        from lm_eval.models.huggingface import HFLM

        return HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch_size)

    with _left_as_found(model, tokenizer):
        return score_tasks(
            make,
            tokenizer,
            tasks,
            include_path=include_path,
            device=model.device,
            on_progress=on_progress,
        )


def score_tasks(
    make: Callable[[], Any],
    tokenizer: Any,
    tasks: Sequence[CapabilityTask],
    *,
    include_path: Path,
    device: Any = None,
    on_progress: Callable[[int], None] | None = None,
) -> list[Row]:
    """Scores every question of the tasks under whatever lm-eval can ask.

    Tasks with the same template and limit share one lm-eval call.

    Args:
        make: Makes lm-eval's wrapper of the model, once for each call of its loop.
        tokenizer: The model's tokenizer.
        tasks: What to ask.
        include_path: Folder of task YAMLs; a name that is not in it is one of lm-eval's own.
        device: The model's, if it is in this process: its random state is put back too.
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
    with quiet(), seeded(device):
        for (chat, limit), numbers in _calls(tasks).items():
            loaded = {n: load_task(include_path, tasks[n].task) for n in numbers}
            samples = _evaluate(
                make,
                {name: leaf for leaves in loaded.values() for name, leaf in leaves.items()},
                chat=chat,
                limit=limit,
                on_progress=on_progress,
            )
            for n, leaves in loaded.items():
                rows[n] = [row for leaf in leaves for row in _rows(tasks[n], leaf, samples[leaf])]
    return [row for n in range(len(tasks)) for row in rows[n]]


def _calls(tasks: Sequence[CapabilityTask]) -> dict[tuple[bool, int | None], list[int]]:
    """Which tasks, by number, one lm-eval call can answer together."""
    calls: dict[tuple[bool, int | None], list[int]] = {}
    for number, task in enumerate(tasks):
        calls.setdefault((task.chat_template, task.limit), []).append(number)
    return calls


def _evaluate(
    make: Callable[[], Any],
    leaves: Mapping[str, Any],
    *,
    chat: bool,
    limit: int | None,
    on_progress: Callable[[int], None] | None,
) -> Mapping[str, list[dict[str, Any]]]:
    """One call of lm-eval's loop; returns its logged samples by task."""
    from lm_eval.evaluator import evaluate

    for leaf in leaves.values():
        # Picking worked examples moves the task's random state; a kept task starts over.
        leaf.set_fewshot_seed(seed=LM_EVAL_SEED)
    lm = make()
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
        yield
    finally:
        tokenizer.pad_token, tokenizer.padding_side = padding
        for module, training in modes:
            module.training = training
