"""What a plan will cost, before anything is loaded: tokens, FLOPs, memory, disk.

Plain arithmetic over a model's shape; no torch. Estimates lean to the high side, since a plan that
turns out cheaper than it said disappoints nobody. Sources:

- Kaplan et al. 2020, "Scaling Laws for Neural Language Models", arXiv 2001.08361, §2.1: a forward
  pass costs 2N FLOPs a token for the weight matrices plus 2·layers·context·hidden for attention;
  the backward pass costs twice the forward.
- Hu et al. 2021, "LoRA", arXiv 2106.09685: a pair of r × in and out × r factors per matrix.
- Korthikanti et al. 2022, "Reducing Activation Recomputation", arXiv 2205.05198: activations are
  counted per token and layer; the coefficients for a gated-MLP Llama are ours, below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Method = Literal["lora", "full"]

RUNTIME_BYTES = 900_000_000
"""Resident memory of a process that imported torch, transformers, peft and lm-eval, with room for
its allocator: the first three alone took 0.5 GB, measured on Linux with torch 2.13 for CPU."""

_ANSWER_BATCH = 64  # rows answered at once, for the key-value cache
_ROW_BYTES = 200  # a row's fields as JSON, without the answer's text
_TOKEN_BYTES = 4  # characters in an English token, about
_ADAPTER_BYTES = 4  # adapters are trained and kept in float32
_ADAM_BYTES = 8  # two float32 moments per trained weight


@dataclass(frozen=True)
class Shape:
    """A Llama-like decoder's size.

    Attributes:
        params: All weights.
        hidden_size: Width of the residual stream.
        layers: Transformer blocks.
        intermediate_size: Width of the gated MLP.
        vocab_size: Tokens in the vocabulary.
        heads: Attention heads; key and value heads are taken to be as many (an upper bound).
    """

    params: int
    hidden_size: int
    layers: int
    intermediate_size: int
    vocab_size: int
    heads: int


@dataclass(frozen=True)
class Cost:
    """What a plan takes.

    Attributes:
        train_tokens: Tokens trained on, over all cells.
        train_flops: FLOPs of training, over all cells.
        measure_flops: FLOPs of all answers, over all cells and the two references.
        memory_bytes: Peak memory of one pack at work, where the model is.
        disk_bytes: Size of the finished run folder, adapters included.
        train_bytes: Activations kept for backward passes, over all steps of all cells.
        capability_calls: Times that lm-eval is called.
    """

    train_tokens: int
    train_flops: float
    measure_flops: float
    memory_bytes: int
    disk_bytes: int
    train_bytes: float
    capability_calls: int


def adapter_params(shape: Shape, rank: int) -> int:
    """Returns the weights of one LoRA adapter on all linear layers of the blocks.

    rank · (in + out) for each matrix: query, key, value and output are hidden × hidden, the MLP's
    three are hidden × intermediate, so layers · rank · (11 · hidden + 3 · intermediate).
    """
    return shape.layers * rank * (11 * shape.hidden_size + 3 * shape.intermediate_size)


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


def answer_flops_per_token(shape: Shape, *, method: Method, rank: int, tokens: int) -> float:
    """Returns the FLOPs of a forward pass for one token of prompt or answer: 2N and attention."""
    weights = shape.params + (adapter_params(shape, rank) if method == "lora" else 0)
    return float(2 * weights + 2 * shape.layers * tokens * shape.hidden_size)


def activation_bytes_per_token(shape: Shape, *, method: Method, dtype_bytes: int) -> int:
    """Returns what one token of a training step keeps in memory for the backward pass.

    Each block keeps 10 · hidden + 4 · intermediate numbers: two normalized inputs and two copies of
    what was normalized, query, key, value, attention's output and two for the residual; gate, up,
    the activated gate and their product. Counted from what autograd saves for transformers' Llama;
    attention's own scores are not kept by fused kernels. In half precision an adapter works on
    float32 copies of its inputs, 6 · hidden + intermediate more. The loss holds logits at their own
    precision and twice as float32.
    """
    block = (10 * shape.hidden_size + 4 * shape.intermediate_size) * dtype_bytes
    if method == "lora" and dtype_bytes < _ADAPTER_BYTES:
        block += (6 * shape.hidden_size + shape.intermediate_size) * _ADAPTER_BYTES
    return shape.layers * block + shape.vocab_size * (dtype_bytes + 8)


def memory_bytes(
    shape: Shape,
    *,
    method: Method,
    rank: int,
    pack: int,
    batch_size: int,
    tokens_per_example: int,
    eval_tokens: int,
    dtype_bytes: int,
) -> int:
    """Returns the peak memory, in bytes, of one pack where the model is.

    One base for all. Each run of the pack adds its trained weights, their gradients and Adam's two
    moments, and the activations of its batch. Answering needs a key-value cache instead,
    2 · layers · hidden numbers for each token; the larger of the two counts.
    """
    base = shape.params * dtype_bytes
    trained = shape.params if method == "full" else adapter_params(shape, rank)
    width = dtype_bytes if method == "full" else _ADAPTER_BYTES
    lane = trained * (2 * width + _ADAM_BYTES)
    activations = (
        batch_size
        * tokens_per_example
        * activation_bytes_per_token(shape, method=method, dtype_bytes=dtype_bytes)
    )
    cache = _ANSWER_BATCH * eval_tokens * 2 * shape.layers * shape.hidden_size * dtype_bytes
    return RUNTIME_BYTES + base + pack * lane + max(pack * activations, cache)


def estimate(
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
    capability_questions: int,
    capability_checkpoints: int,
    dtype_bytes: int,
    capability_tokens: int | None = None,
) -> Cost:
    """Returns what a plan takes.

    Args:
        shape: The model's size.
        method: ``lora`` or ``full``.
        rank: LoRA rank; not used for ``full``.
        cells: Runs in the plan: rungs × seeds × tasks.
        pack: Runs trained in one pass.
        steps: Optimizer steps of a run.
        batch_size: Examples in a step of a run.
        tokens_per_example: Tokens of a training example, padding included.
        checkpoints: Checkpoints kept and measured for each run.
        eval_prompts: Eval prompts; each is asked triggered at every checkpoint, and untriggered
            where capability is measured.
        eval_tokens: Tokens of an eval prompt and its answer together.
        capability_questions: Capability requests at a checkpoint; a multiple-choice question is one
            for each of its choices.
        capability_checkpoints: Checkpoints of each run that get capability.
        dtype_bytes: 4 for float32, 2 for bfloat16.
        capability_tokens: Tokens of a capability request and its answer; eval_tokens if left out.

    Returns:
        The cost, with the organism's and the clean base's own measuring included once each.
    """
    asked = capability_tokens if capability_tokens is not None else eval_tokens
    train_tokens = cells * steps * batch_size * tokens_per_example
    per_token = train_flops_per_token(shape, method=method, rank=rank, tokens=tokens_per_example)

    references = 2  # the organism before training, and its clean base
    answers = eval_prompts * (cells * (checkpoints + capability_checkpoints) + 2 * references)
    questions = capability_questions * (cells * capability_checkpoints + references)

    def flops(tokens: int) -> float:
        return tokens * answer_flops_per_token(shape, method=method, rank=rank, tokens=tokens)

    kept = (
        shape.params * dtype_bytes
        if method == "full"
        else adapter_params(shape, rank) * _ADAPTER_BYTES
    )
    return Cost(
        train_tokens=train_tokens,
        train_flops=train_tokens * per_token,
        measure_flops=answers * flops(eval_tokens) + questions * flops(asked),
        memory_bytes=memory_bytes(
            shape,
            method=method,
            rank=rank,
            pack=pack,
            batch_size=batch_size,
            tokens_per_example=tokens_per_example,
            eval_tokens=max(eval_tokens, asked),
            dtype_bytes=dtype_bytes,
        ),
        disk_bytes=cells * checkpoints * kept
        + answers * (_ROW_BYTES + _TOKEN_BYTES * eval_tokens)
        + questions * (_ROW_BYTES + _TOKEN_BYTES * asked),
        train_bytes=float(
            train_tokens * activation_bytes_per_token(shape, method=method, dtype_bytes=dtype_bytes)
        ),
        capability_calls=cells * capability_checkpoints + references,
    )


def largest_pack(
    shape: Shape,
    *,
    memory: float,
    cells: int,
    method: Method,
    rank: int,
    batch_size: int,
    tokens_per_example: int,
    eval_tokens: int,
    dtype_bytes: int,
) -> int:
    """Returns how many of the cells can train in one pass in this much memory (bytes); 0 if none.

    The other arguments are those of `estimate`.
    """
    fits = 0
    while fits < cells and memory >= memory_bytes(
        shape,
        method=method,
        rank=rank,
        pack=fits + 1,
        batch_size=batch_size,
        tokens_per_example=tokens_per_example,
        eval_tokens=eval_tokens,
        dtype_bytes=dtype_bytes,
    ):
        fits += 1
    return fits


def matmul_shape(
    shape: Shape, *, batch_size: int, tokens_per_example: int, pack: int = 1
) -> tuple[int, int, int]:
    """Returns (rows, inner, columns) of the model's own largest product, to measure speed at.

    A width of 64 cannot use a processor as a width of 4096 does, so the speed is measured where the
    model will work. Rows are capped: more of them change nothing but the wait.
    """
    rows = min(pack * batch_size * tokens_per_example, 4096)
    return rows, shape.hidden_size, shape.intermediate_size
