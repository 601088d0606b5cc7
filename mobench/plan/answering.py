"""The work of answering questions: prompts that are read at once, and answers token by token."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from mobench.plan.model_size import Shape, adapter_params
from mobench.plan.pack_memory import cache_bytes_per_token
from mobench.records.names import Method

KERNELS_PER_LAYER = 72
"""Kernels of one block while an answer is written, with adapters over bfloat16; counted by dispatch
in tests/decode/test_launches.py."""
ROWS, QUESTION_ROWS, QUESTION_ROWS_ON_GPU, USUAL_TOKENS = 1024, 32, 128, 256
"""Rows in a batch of eval prompts and of capability questions, and how long these usually are:
shorter ones are more; `mobench.decode.answers.MAX_ROWS`, `mobench.measure.eval_suite.QUESTIONS` and
``QUESTIONS_ON_GPU``, `mobench.measure.greedy_answers.USUAL_LENGTH`."""
CACHE_READ, CACHE_SERVED = 3, 1
"""How often a token of an answer moves all keys and values before it: transformers' cache is read
and written anew to have one token more, and then read; vLLM's is read."""
SERVED_ROWS = 256
"""Rows in vLLM; `mobench.measure.vllm.worker.ROWS`."""


@dataclass(frozen=True)
class Answering:
    """Work of answering. Prompts are read many tokens at a time, answers written one by one.

    Attributes:
        prompt_flops: FLOPs of reading prompts.
        answer_flops: FLOPs of writing answers, each as long as it may be.
        kernels: What a GPU is told to compute while answers are written, in this process.
        read_bytes: What it moves through its memory meanwhile: all weights for every token of a
            batch, and the keys and values of every row.
        served_bytes: The same in vLLM, whose batches are larger and always full.
    """

    prompt_flops: float = 0.0
    answer_flops: float = 0.0
    kernels: float = 0.0
    read_bytes: float = 0.0
    served_bytes: float = 0.0

    @property
    def flops(self) -> float:
        """FLOPs in all."""
        return self.prompt_flops + self.answer_flops

    def __add__(self, other: Answering) -> Answering:
        """Both."""
        return Answering(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def times(self, factor: float) -> Answering:
        """So many times as much."""
        return Answering(*(factor * value for value in astuple(self)))


NOTHING = Answering()


def answer_flops_per_token(shape: Shape, *, method: Method, rank: int, tokens: int) -> float:
    """Returns the FLOPs of a forward pass for one token of prompt or answer: 2N and attention."""
    weights = shape.params + (adapter_params(shape, rank) if method == "lora" else 0)
    return float(2 * weights + 2 * shape.layers * tokens * shape.hidden_size)


def answering(
    shape: Shape,
    *,
    method: Method,
    rank: int,
    dtype_bytes: int,
    answers: float,
    prompt_tokens: int,
    answer_tokens: int,
    batches: float,
    served_batches: float,
) -> Answering:
    """Returns the work of answering questions that are alike.

    Args:
        shape: The model's size.
        method: ``lora`` or ``full``.
        rank: LoRA rank; not used for ``full``.
        dtype_bytes: 4 for float32, 2 for bfloat16.
        answers: How many.
        prompt_tokens: Tokens of a question.
        answer_tokens: Tokens at which an answer is cut.
        batches: In this process; each is written until its longest answer has ended.
        served_batches: In vLLM.
    """
    tokens = prompt_tokens + answer_tokens
    each = answer_flops_per_token(shape, method=method, rank=rank, tokens=tokens)
    weights = shape.params * dtype_bytes
    steps = batches * answer_tokens
    seen = prompt_tokens + answer_tokens / 2
    cached = answers * answer_tokens * seen * cache_bytes_per_token(shape, dtype_bytes=dtype_bytes)
    return Answering(
        prompt_flops=answers * prompt_tokens * each,
        answer_flops=answers * answer_tokens * each,
        kernels=steps * shape.layers * KERNELS_PER_LAYER,
        read_bytes=steps * weights + CACHE_READ * cached,
        served_bytes=served_batches * answer_tokens * weights + CACHE_SERVED * cached,
    )
