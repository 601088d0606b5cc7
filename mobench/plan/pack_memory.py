"""How much memory a pack will take, from what a training step keeps.

Plain arithmetic over a model's shape; no torch. Korthikanti et al. 2022, "Reducing Activation
Recomputation", arXiv 2205.05198, count activations per token and layer; the coefficients for a
gated-MLP Llama in lanes are ours. `python -m benchmarks.memory` holds the whole against what
processes take.
"""

from __future__ import annotations

from typing import Any

from mobench.plan.model_size import FLOAT_BYTES, Shape, adapter_params
from mobench.records.names import Method

RUNTIME_BYTES = 720_000_000
"""Resident memory of a process that imported torch, transformers, peft and lm-eval and has loaded
tasks and tokenizer: 0.65 GB, measured on Linux with torch 2.13 for CPU, and a tenth more."""
HEAP = 1.35
"""What the C library's heap holds of activations that are alive, where freed memory is kept: what
stays lies between what was freed. 1.3 to 1.5 on Linux, measured for packs of SmolLM2-135M."""
HEAD_LOGITS, HEAD_LOGITS_ON_GPU = 2**22, 2**26
"""Logits that a frozen head holds at a time; `mobench.train.losses.LOGITS_AT_ONCE` and
``LOGITS_ON_GPU``."""
ANSWER_ROWS = 64
"""Rows answered at once on a CPU, for the key-value cache. Where they do not fit fewer are, down to
one for each lane; on a GPU, whose allocator says so in time, no more than that has to fit."""


def activation_bytes_per_token(
    shape: Shape, *, method: Method, rank: int, dtype_bytes: int, recompute: bool = False
) -> int:
    """Returns what one token of a training step keeps in memory for the backward pass.

    Counted from what autograd saves for transformers' Llama under our lanes. A block keeps, as
    multiples of the hidden width: what goes into the two norms and what comes out: 4. ``full``
    keeps what comes out of the norms once more, before their gains, whose gradients need it: 6. Of
    the queries' width: query, key, value and attention's output: 4, for attention repeats the keys
    and values that queries share. Of the intermediate width: gate, up, the activated
    gate and their product: 4. What goes into a norm is kept in float32 whatever the precision.
    ``lora`` adds the rank-wide product of each of the seven matrices, in float32. Attention's own
    scores are not kept by fused kernels.

    Recomputed, a block keeps its input alone.

    A frozen head works in blocks of `HEAD_LOGITS` and keeps nothing for a token. ``full`` trains
    the head: its logits are there in their own precision, in float32, and as their softmax.

    Args:
        shape: The model's size.
        method: ``lora`` or ``full``.
        rank: LoRA rank; not used for ``full``.
        dtype_bytes: 4 for float32, 2 for bfloat16.
        recompute: Whether activations are computed again in the backward pass.
    """
    per_block = (
        shape.hidden_size * dtype_bytes
        if recompute
        else _block_bytes(shape, method=method, rank=rank, dtype_bytes=dtype_bytes)
    )
    head = shape.vocab_size * (dtype_bytes + 8) if method == "full" else 0
    return shape.layers * per_block + head


def _block_bytes(shape: Shape, *, method: Method, rank: int, dtype_bytes: int) -> int:
    """Returns the bytes that one token keeps in one block, for the backward pass."""
    wide = (6 if method == "full" else 4) * shape.hidden_size + 4 * shape.query_width
    kept = (wide + 4 * shape.intermediate_size) * dtype_bytes
    kept += 2 * shape.hidden_size * (FLOAT_BYTES - dtype_bytes)
    return kept + (7 * rank * FLOAT_BYTES if method == "lora" else 0)


def cache_bytes_per_token(shape: Shape, *, dtype_bytes: int) -> int:
    """Returns the bytes of a token's keys and values, in all blocks.

    Args:
        shape: The model's size.
        dtype_bytes: 4 for float32, 2 for bfloat16.
    """
    return 2 * shape.layers * shape.kv_width * dtype_bytes


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
    micro_batch: int | None = None,
    recompute: bool = False,
    answer_rows: int = ANSWER_ROWS,
    gpu: bool = False,
    gpus: int = 1,
) -> int:
    """Returns the peak memory, in bytes, of one pack where the model is.

    ``lora`` has one base for all runs, ``full`` a model for each. Each run has its trained weights,
    their gradients and Adam's two moments, and for ``lora`` a copy of B turned round for the
    backward pass (counted as all of the adapter). Adapters are in float32; whole weights and their
    gradients in the model's own precision, their moments in float32, and in less than that they
    have float32 masters besides: 16 bytes for each weight, either way.

    Activations are those of the examples that pass at once, and of one block more: what is on its
    way through a block, forward or backward, or is computed again there. While whole batches pass
    on a CPU, freed memory is kept for speed (`mobench.machine.heap`), and the heap holds `HEAP`
    times what is alive. A frozen head adds a block of logits and their softmax.

    The optimizer, and answering with its key-value cache of 2 · layers · (width of the keys)
    numbers for each token, come when the activations are gone; the largest of the three counts. The
    optimizer's four temporaries are as large as the largest matrix.

    Over several GPUs a model is spread block by block, so that one may hold a block more than
    another, and each has a block's activations on their way when it is its turn.

    Args:
        shape: The model's size.
        method: ``lora`` or ``full``.
        rank: LoRA rank; not used for ``full``.
        pack: Runs trained in one pass.
        batch_size: Examples in a step of a run.
        tokens_per_example: Tokens of a training example, padding included.
        eval_tokens: Tokens of a question and its answer.
        dtype_bytes: 4 for float32, 2 for bfloat16.
        micro_batch: Examples of a run in a forward pass; all of the batch if None.
        recompute: Whether activations are computed again in the backward pass.
        answer_rows: Questions that are answered at once.
        gpu: Whether the model is on a GPU.
        gpus: GPUs that it is spread over; the memory is that of all of them together.
    """
    # 1. What stays while training: the base, and for each cell weights, gradients and moments.
    lora = method == "lora"
    if lora:
        base = shape.params * dtype_bytes
        largest = max(shape.hidden_size, shape.intermediate_size) * rank * FLOAT_BYTES
        lane = 5 * adapter_params(shape, rank) * FLOAT_BYTES
    else:
        base = 0
        largest = shape.vocab_size * shape.hidden_size * FLOAT_BYTES
        masters = FLOAT_BYTES if dtype_bytes < FLOAT_BYTES else 0
        lane = shape.params * (2 * dtype_bytes + 2 * FLOAT_BYTES + masters)

    # 2. Activations: of the examples that pass at once, and of one block more.
    at_once = min(micro_batch or batch_size, batch_size)
    tokens = pack * at_once * tokens_per_example
    training: dict[str, Any] = {"method": method, "rank": rank, "dtype_bytes": dtype_bytes}
    kept = activation_bytes_per_token(shape, recompute=recompute, **training)
    activations = float(tokens * (kept + _block_bytes(shape, **training)))
    if micro_batch is None and not recompute and not gpu:
        activations *= HEAP
    if lora:
        # In half precision the logits are there in float32 too.
        logit_bytes = dtype_bytes + (4 if dtype_bytes == FLOAT_BYTES else 8)
        logits = HEAD_LOGITS_ON_GPU if gpu else HEAD_LOGITS
        activations += min(logits, tokens * shape.vocab_size) * logit_bytes

    # 3. Answering and the optimizer come when the activations are gone: the largest counts.
    cache = answer_rows * eval_tokens * cache_bytes_per_token(shape, dtype_bytes=dtype_bytes)
    held = base + pack * lane
    uneven = 0.0
    if gpus > 1:
        block = held / shape.layers + tokens * _block_bytes(shape, **training)
        uneven = (gpus - 1) * block
    return round(RUNTIME_BYTES + held + uneven + max(activations, 4 * pack * largest, cache))


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
    gpu: bool = False,
    gpus: int = 1,
) -> int:
    """Returns how many cells can train in one pass in this much memory; 0 if not even one can.

    Args:
        shape: The model's size.
        memory: Bytes that the pack may take.
        cells: Cells that there are to train.
        method: As in `memory_bytes`, like all that follow.
        rank: LoRA rank.
        batch_size: Examples in a step of a cell.
        tokens_per_example: Tokens of a training example.
        eval_tokens: Tokens of a question and its answer.
        dtype_bytes: 4 for float32, 2 for bfloat16.
        gpu: Whether the model is on a GPU.
        gpus: GPUs that it is spread over, all of whose memory is meant.
    """
    pack = 0
    while pack < cells and memory >= memory_bytes(
        shape,
        method=method,
        rank=rank,
        pack=pack + 1,
        batch_size=batch_size,
        tokens_per_example=tokens_per_example,
        eval_tokens=eval_tokens,
        dtype_bytes=dtype_bytes,
        answer_rows=pack + 1 if gpu else ANSWER_ROWS,
        gpu=gpu,
        gpus=gpus,
    ):
        pack += 1
    return pack
