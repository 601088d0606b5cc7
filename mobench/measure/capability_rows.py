"""Capability: lm-eval's score of every question, as rows.

lm-eval's own loop is called, so that a score is the one that its command line gives. Its
``use_cache`` is not used: its key is the prompt alone, so checkpoints would share their scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mobench.chat import ChatFormat
from mobench.decode.batch_size import Answered
from mobench.errors import MobenchError
from mobench.measure.capability_tasks import (
    LM_EVAL_SEED,
    CapabilityTask,
    check_capability,
    load_task,
    seeded,
)
from mobench.measure.choice_scores import score_choices_together
from mobench.measure.final_answers import score_final_answers
from mobench.measure.greedy_answers import answer_greedily
from mobench.quiet import quiet
from mobench.records.rows import LONGEST_CAPABILITY_ANSWER, CapabilityAnswer


def measure_capability(
    model: Any,
    chat: ChatFormat,
    tasks: Sequence[CapabilityTask],
    *,
    include_path: Path,
    batch_size: int,
    answered: Answered | None = None,
) -> list[CapabilityAnswer]:
    """Scores every question of the tasks under a Hugging Face model.

    Model, tokenizer and random states are restored afterwards. Two threads must not call this at
    the same time, because the tasks are shared.

    Args:
        model: A Hugging Face causal LM, on its device.
        chat: Its tokenizer, with a chat template where a task asks for one, and the answers' ends.
        tasks: The tasks to ask.
        include_path: Folder of task YAMLs; a name that is not in it is one of lm-eval's own tasks.
        batch_size: Sequences in a forward pass.
        answered: What was answered before memory ran out.

    Returns:
        The rows, as :func:`score_tasks` gives them.

    Raises:
        MobenchError: As :func:`score_tasks` raises it.
    """

    def make(by_template: bool) -> Any:
        from lm_eval.models.huggingface import HFLM

        asked = HFLM(pretrained=model, tokenizer=chat.tokenizer, batch_size=batch_size)
        # A chat template holds all special tokens; other texts begin as the tokenizer begins them.
        asked.add_bos_token = False if by_template else None
        decode = asked.tok_decode

        def tok_decode(tokens: Any, skip_special_tokens: bool = True) -> Any:
            if skip_special_tokens and isinstance(tokens, list):
                return chat.words(tokens)
            return decode(tokens, skip_special_tokens=skip_special_tokens)

        # Special tokens may mark where reasoning ends.
        asked.tok_decode = tok_decode
        answer_greedily(asked, chat, batch_size=batch_size, answered=answered)
        score_choices_together(asked)
        return asked

    with _restored(model, chat.tokenizer):
        model.generation_config.eos_token_id = list(chat.end_ids)
        return score_tasks(
            make,
            chat,
            tasks,
            include_path=include_path,
            device=model.device,
        )


def score_tasks(
    make: Callable[[bool], Any],
    chat: ChatFormat,
    tasks: Sequence[CapabilityTask],
    *,
    include_path: Path,
    device: Any = None,
) -> list[CapabilityAnswer]:
    """Scores every question of the tasks under any model that lm-eval can ask.

    Tasks with the same template and limit share one lm-eval call. Where the model reasons before
    it answers, its final answer is scored.

    Args:
        make: Makes lm-eval's wrapper of the model, once for each call of its loop; told whether
            questions are rendered by the chat template.
        chat: The model's tokenizer, and what tells its reasoning from its answers.
        tasks: The tasks to ask.
        include_path: Folder of task YAMLs; a name that is not in it is one of lm-eval's own tasks.
        device: The model's device if it is in this process; its random state is restored too.

    Returns:
        One row for each task and question, without ``cell`` and ``step``: kind, task, prompt (the
        question's id), outcome in [0, 1], inert (None), answer (the text that was scored).

    Raises:
        MobenchError: lm-eval does not know a task or metric or cannot load its data; a metric is
            not a number in [0, 1] for each question; or a chat template is needed and missing.
    """
    check_capability(tasks, include_path=include_path)
    if not chat.tokenizer.chat_template and any(task.chat_template for task in tasks):
        raise MobenchError(
            "a capability task is to be asked through a chat template and the tokenizer has none",
            "set chat_template = false in the organism's capability table",
        )

    def asked(by_template: bool) -> Any:
        model = make(by_template)
        score_final_answers(model, chat, by_template=by_template)
        return model

    rows: dict[int, list[CapabilityAnswer]] = {}
    with quiet(), seeded(device):
        for (by_template, limit), numbers in _calls(tasks).items():
            loaded = {n: load_task(include_path, tasks[n].task) for n in numbers}
            samples = _evaluate(
                asked(by_template),
                {name: leaf for leaves in loaded.values() for name, leaf in leaves.items()},
                by_template=by_template,
                limit=limit,
            )
            for n, leaves in loaded.items():
                rows[n] = [row for leaf in leaves for row in _rows(tasks[n], leaf, samples[leaf])]
    return [row for n in range(len(tasks)) for row in rows[n]]


def _calls(tasks: Sequence[CapabilityTask]) -> dict[tuple[bool, int | None], list[int]]:
    """Groups the tasks, by number, that one lm-eval call can ask together."""
    calls: dict[tuple[bool, int | None], list[int]] = {}
    for number, task in enumerate(tasks):
        calls.setdefault((task.chat_template, task.limit), []).append(number)
    return calls


def _evaluate(
    model: Any,
    leaves: Mapping[str, Any],
    *,
    by_template: bool,
    limit: int | None,
) -> Mapping[str, list[dict[str, Any]]]:
    """Calls lm-eval's loop once and returns its logged samples by task."""
    from lm_eval.evaluator import evaluate

    for leaf in leaves.values():
        # Picking worked examples changes the task's random state, and tasks are kept in memory.
        leaf.set_fewshot_seed(seed=LM_EVAL_SEED)
    results = evaluate(
        lm=model,
        task_dict={"tasks": dict(leaves)},
        limit=limit,
        bootstrap_iters=0,
        log_samples=True,
        apply_chat_template=by_template,
        fewshot_as_multiturn=by_template,
    )
    samples: dict[str, list[dict[str, Any]]] = results["samples"]
    return samples


def _rows(
    task: CapabilityTask, leaf: str, samples: Sequence[Mapping[str, Any]]
) -> list[CapabilityAnswer]:
    """The rows of one lm-eval task, which is the task that is asked or a member of that group."""
    metric, _, chosen = task.metric.partition(",")
    chosen = chosen or samples[0]["filter"]
    filtered = [sample for sample in samples if sample["filter"] == chosen]
    ids = _question_ids(filtered)
    prefix = "" if leaf == task.task else f"{leaf}/"
    return [
        {
            "kind": "capability",
            "task": task.task,
            "prompt": prefix + name,
            "outcome": _outcome(task, sample[metric]),
            "inert": None,
            "answer": answer_text(sample)[:LONGEST_CAPABILITY_ANSWER],
        }
        for name, sample in zip(ids, filtered, strict=True)
    ]


def _question_ids(samples: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ids of the questions in the data; if it has none, their number and a hash of content."""
    own = [sample["doc"].get("id") for sample in samples]
    if None not in own and len(set(map(str, own))) == len(own):
        return [str(name) for name in own]
    return [f"{sample['doc_id']}-{sample['doc_hash'][:8]}" for sample in samples]


def _outcome(task: CapabilityTask, value: Any) -> float:
    """A metric's value for one question, which must be a number in [0, 1]."""
    try:
        outcome = float(value)
    except (TypeError, ValueError):
        outcome = -1.0
    if not 0 <= outcome <= 1:
        raise MobenchError(
            f"metric {task.metric!r} of capability task {task.task} gives {value!r} for a "
            "question, not a number from 0 to 1",
            "choose a metric that scores each question by itself, such as acc or exact_match",
        )
    return outcome


def answer_text(sample: Mapping[str, Any]) -> str:
    """Returns what the model answered: the filtered text, or the likeliest of the choices."""
    responses = sample["filtered_resps"]
    if isinstance(responses[0], tuple | list) and len(responses) > 1:
        best = max(range(len(responses)), key=lambda number: responses[number][0])
        choices = [str(arguments[1]) for arguments in sample["arguments"]]
        # In some tasks the choices are in the contexts, and all continuations are the same.
        return choices[best].strip() if len(set(choices)) > 1 else f"choice {best}"
    return str(responses[0])


@contextmanager
def _restored(model: Any, tokenizer: Any) -> Iterator[None]:
    """Restores afterwards what lm-eval changes in a model and its tokenizer."""
    modes = [(module, module.training) for module in model.modules()]
    padding = tokenizer.pad_token, tokenizer.padding_side
    ends = model.generation_config.eos_token_id
    try:
        yield
    finally:
        tokenizer.pad_token, tokenizer.padding_side = padding
        model.generation_config.eos_token_id = ends
        for module, training in modes:
            module.training = training
