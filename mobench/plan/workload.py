"""How much work a plan is, before anything is loaded: tokens, FLOPs, bytes on disk.

Plain arithmetic over a model's shape; no torch. Estimates lean to the high side, since a plan that
turns out cheaper than it said disappoints nobody. Source of the FLOPs:

- Kaplan et al. 2020, "Scaling Laws for Neural Language Models", arXiv 2001.08361, §2.1: a forward
  pass costs 2N FLOPs a token for the weight matrices plus 2·layers·context·hidden for attention;
  the backward pass costs twice the forward.

The memory of a pack is computed in `mobench.plan.pack_memory`, time in `mobench.plan.duration`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import ceil, inf
from typing import Any

from mobench.plan.answering import (
    NOTHING,
    QUESTION_ROWS,
    ROWS,
    SERVED_ROWS,
    USUAL_TOKENS,
    Answering,
    answer_flops_per_token,
    answering,
)
from mobench.plan.model_size import FLOAT_BYTES, Shape, adapter_params
from mobench.plan.pack_memory import activation_bytes_per_token, cache_bytes_per_token
from mobench.plan.question_load import QuestionLoad
from mobench.records.names import Method

_ROW_BYTES = 200  # a row's fields as JSON, without the answer's text
_TOKEN_BYTES = 4  # characters in an English token, about


@dataclass(frozen=True)
class Workload:
    """How much work a plan is.

    Attributes:
        train_tokens: Tokens trained on, over all cells.
        train_flops: FLOPs of training, over all cells.
        attack: Answers to eval prompts, over all cells and the two references.
        capability: Answers to capability questions, likewise.
        disk_bytes: Size of the finished run folder, adapters included.
        train_bytes: Activations kept for backward passes, over all steps of all cells.
        capability_calls: Times that lm-eval is called.
    """

    train_tokens: int
    train_flops: float
    attack: Answering
    capability: Answering
    disk_bytes: int
    train_bytes: float
    capability_calls: int

    @property
    def measure_flops(self) -> float:
        """FLOPs of all answers."""
        return self.attack.flops + self.capability.flops


def train_flops_per_token(shape: Shape, *, method: Method, rank: int, tokens: int) -> float:
    """Returns the FLOPs of training on one token, forward and backward.

    full: 2N forward and 4N backward (N for the gradients that go on down, N for the weights' own,
    a multiply-add being two). lora: the frozen base has no weight gradients, so 2N + 2N; the
    adapter's A weights have theirs, 6A. Attention's 2 · layers · context · hidden forward is three
    times that in all, either way. N is every weight: an embedding's look-up costs nothing, but the
    output head of the same size does, and often they are one matrix.

    Args:
        shape: The model's size.
        method: ``lora`` or ``full``.
        rank: LoRA rank; not used for ``full``.
        tokens: Context length: tokens of an example.
    """
    attention = 3 * 2 * shape.layers * tokens * shape.hidden_size
    if method == "full":
        return float(6 * shape.params + attention)
    return float(4 * shape.params + 6 * adapter_params(shape, rank) + attention)


def moment_bytes(shape: Shape, *, method: Method, rank: int, dtype_bytes: int) -> int:
    """Returns the bytes of a cell's moments on disk, and masters: with them it can be gone on with.

    Args:
        shape: The model's size.
        method: ``lora`` or ``full``.
        rank: LoRA rank; not used for ``full``.
        dtype_bytes: 4 for float32, 2 for bfloat16.
    """
    if method == "lora":
        return 2 * adapter_params(shape, rank) * FLOAT_BYTES
    return (2 if dtype_bytes == FLOAT_BYTES else 3) * shape.params * FLOAT_BYTES


def workload(
    shape: Shape,
    *,
    method: Method,
    rank: int,
    cells: int,
    pack: int,
    steps: int,
    batch_size: int,
    tokens_per_example: int,
    checkpoints: int,
    eval_prompts: int,
    eval_tokens: int,
    answer_tokens: int,
    capability: Sequence[QuestionLoad],
    capability_checkpoints: int,
    dtype_bytes: int,
    recompute: bool = False,
    question_rows: int = QUESTION_ROWS,
    cache_bytes: float = inf,
) -> Workload:
    """Returns how much work a plan is.

    Args:
        shape: The model's size.
        method: ``lora`` or ``full``.
        rank: LoRA rank; not used for ``full``.
        cells: Runs in the plan: rungs × seeds × tasks.
        pack: Runs that are trained and asked together.
        steps: Optimizer steps of a run.
        batch_size: Examples in a step of a run.
        tokens_per_example: Tokens of a training example, padding included.
        checkpoints: Checkpoints kept and measured for each run.
        eval_prompts: Eval prompts; each is asked triggered at every checkpoint, and untriggered
            where capability is measured.
        eval_tokens: Tokens of an eval prompt and its answer together.
        answer_tokens: Tokens of that answer, at most.
        capability: What capability tasks ask at a checkpoint.
        capability_checkpoints: Checkpoints of each run that get capability.
        dtype_bytes: 4 for float32, 2 for bfloat16.
        recompute: Whether activations are computed again, by a second forward pass of the blocks.
        question_rows: Capability questions of the usual length that are answered together.
        cache_bytes: Memory that their keys and values may take; fewer are answered where it ends.

    Returns:
        The work, with the organism's and the clean base's own measuring included once each.
    """
    # Training: every cell has the same steps, and each step the same tokens.
    train_tokens = cells * steps * batch_size * tokens_per_example
    per_token = train_flops_per_token(shape, method=method, rank=rank, tokens=tokens_per_example)
    if recompute:
        per_token += answer_flops_per_token(
            shape, method=method, rank=rank, tokens=tokens_per_example
        )

    # The attack: each cell at its checkpoints, both models before training triggered and not.
    how: dict[str, Any] = {"method": method, "rank": rank, "dtype_bytes": dtype_bytes}
    references = 2
    answers = eval_prompts * (cells * (checkpoints + capability_checkpoints) + 2 * references)
    together = max(1, min(pack, cells))
    asked = cells / together * checkpoints + references
    attack = answering(
        shape,
        **how,
        answers=answers,
        prompt_tokens=eval_tokens - answer_tokens,
        answer_tokens=answer_tokens,
        batches=max(asked, answers / ROWS),
        served_batches=max((checkpoints if cells else 0) + references, answers / SERVED_ROWS),
    )

    # Capability: cell by cell, and both models before training.
    times = cells * capability_checkpoints + references
    once = NOTHING
    for load in capability:
        longest = load.prompt_tokens + load.answer_tokens
        rows = question_rows * max(1, USUAL_TOKENS // longest)
        fitting = cache_bytes / (longest * cache_bytes_per_token(shape, dtype_bytes=dtype_bytes))
        rows = max(1, int(min(rows, fitting)))
        once += answering(
            shape,
            **how,
            answers=load.questions,
            prompt_tokens=load.prompt_tokens,
            answer_tokens=load.answer_tokens,
            batches=ceil(load.questions / rows),
            served_batches=max(1, load.questions / SERVED_ROWS),
        )
    questions = times * sum(load.questions for load in capability)

    # Disk: what is kept at each checkpoint, and the rows.
    checkpoint_bytes = (
        shape.params * dtype_bytes
        if method == "full"
        else adapter_params(shape, rank) * FLOAT_BYTES
    )
    return Workload(
        train_tokens=train_tokens,
        train_flops=train_tokens * per_token,
        attack=attack,
        capability=once.times(times),
        disk_bytes=cells * checkpoints * checkpoint_bytes
        + (answers + questions) * (_ROW_BYTES + _TOKEN_BYTES * eval_tokens),
        train_bytes=float(
            train_tokens
            * activation_bytes_per_token(shape, method=method, rank=rank, dtype_bytes=dtype_bytes)
        ),
        capability_calls=times,
    )


def plus(one: Workload, other: Workload, times: int = 1) -> Workload:
    """Returns the work of one and so many times the other; -1 leaves what is not in the other."""
    return Workload(
        train_tokens=one.train_tokens + times * other.train_tokens,
        train_flops=one.train_flops + times * other.train_flops,
        attack=one.attack + other.attack.times(times),
        capability=one.capability + other.capability.times(times),
        disk_bytes=one.disk_bytes + times * other.disk_bytes,
        train_bytes=one.train_bytes + times * other.train_bytes,
        capability_calls=one.capability_calls + times * other.capability_calls,
    )


def together(parts: Sequence[Workload], *, counted_once: Workload) -> Workload:
    """Returns several workloads as one.

    Args:
        parts: Every one of them counts measuring organism and clean base before training.
        counted_once: That, which is done but once.
    """
    return plus(reduce(plus, parts), counted_once, 1 - len(parts))
