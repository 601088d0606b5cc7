"""The memory that a pack is said to take, held against what autograd keeps for our lanes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from mobench.lanes import FullLanes, Lanes, LoraLanes
from mobench.plan.model_size import Shape, adapter_params
from mobench.plan.pack_memory import (
    ANSWER_ROWS,
    HEAD_LOGITS,
    HEAD_LOGITS_ON_GPU,
    HEAP,
    RUNTIME_BYTES,
    activation_bytes_per_token,
    largest_pack,
    memory_bytes,
)
from mobench.train.losses import LOGITS_AT_ONCE, LOGITS_ON_GPU, lane_losses
from mobench.train.optimizer import LaneAdamW
from mobench.train.recompute import recomputing

SMOLLM2 = Shape(134_515_008, 576, 30, 1536, 49152, 9)
LLAMA2_7B = Shape(6_738_546_688, 4096, 32, 11008, 32016, 32)
TINY = Shape(0, 128, 4, 384, 256, 4)
LANES, ROWS, TOKENS, RANK = 2, 4, 32, 8

PLAN: dict[str, Any] = {
    "method": "lora",
    "rank": 16,
    "batch_size": 8,
    "tokens_per_example": 64,
    "eval_tokens": 40,
    "dtype_bytes": 4,
}


def stack(method: str, dtype: torch.dtype) -> Lanes:
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            hidden_size=TINY.hidden_size,
            num_hidden_layers=TINY.layers,
            intermediate_size=TINY.intermediate_size,
            vocab_size=TINY.vocab_size,
            num_attention_heads=TINY.heads,
            tie_word_embeddings=method == "lora",
        )
    )
    model = model.to(dtype).eval()
    if method == "full":
        return FullLanes(model, LANES)
    return LoraLanes(model, range(LANES), rank=RANK, alpha=2.0 * RANK)


def kept_per_token(method: str, dtype: torch.dtype, *, recompute: bool) -> float:
    """Bytes that autograd keeps for a token of one step: not weights, nor copies of B."""
    lanes = stack(method, dtype)
    ids = torch.randint(0, TINY.vocab_size, (LANES * ROWS, TOKENS))
    labels = ids.clone()
    labels[:, 0] = -100
    lane_losses(lanes, ids, labels, 1)  # the model is asked about its head once
    known = {p.untyped_storage().data_ptr() for p in lanes.model.parameters()}
    turned = {(LANES, RANK, TINY.hidden_size), (LANES, RANK, TINY.intermediate_size)}
    saved: dict[int, int] = {}
    alive = []  # else a freed tensor's address is given to the next one

    def save(tensor: torch.Tensor) -> torch.Tensor:
        at = tensor.untyped_storage()
        if at.data_ptr() not in known and tuple(tensor.shape) not in turned:
            saved[at.data_ptr()] = at.nbytes()
        alive.append(tensor)
        return tensor

    with (
        recomputing(lanes.model, on=recompute),
        torch.autograd.graph.saved_tensors_hooks(save, lambda t: t),
    ):
        lane_losses(lanes, ids, labels, 1)
    return sum(saved.values()) / (LANES * ROWS * TOKENS)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("method", ["full", "lora"])
def test_activations_are_what_autograd_keeps_and_not_less(
    method: Any, dtype: torch.dtype, recompute: bool
) -> None:
    """Beside the blocks it keeps a little of the embedding, the last norm and the head."""
    ours = activation_bytes_per_token(
        TINY, method=method, rank=RANK, dtype_bytes=dtype.itemsize, recompute=recompute
    )
    rest = 3 * TINY.hidden_size * 4
    kept = kept_per_token(method, dtype, recompute=recompute)
    assert ours <= 1.2 * kept + rest
    assert ours + rest >= kept


def test_the_planner_knows_how_many_logits_are_held() -> None:
    assert (HEAD_LOGITS, HEAD_LOGITS_ON_GPU) == (LOGITS_AT_ONCE, LOGITS_ON_GPU)


def test_a_pack_shares_one_base() -> None:
    """Three LoRA runs cost far less memory than three models."""
    one, three = (memory_bytes(SMOLLM2, pack=pack, **PLAN) for pack in (1, 3))
    base = SMOLLM2.params * 4
    assert one > base + RUNTIME_BYTES
    assert three < one + 2 * (one - base - RUNTIME_BYTES)


def test_full_training_keeps_weights_gradients_and_two_moments_for_each_run_alone() -> None:
    plan = {**PLAN, "method": "full", "tokens_per_example": 1}
    one, three = (memory_bytes(LLAMA2_7B, pack=pack, **plan) for pack in (1, 3))
    assert three - one == pytest.approx(2 * LLAMA2_7B.params * 16, rel=0.1)
    assert one == pytest.approx(LLAMA2_7B.params * 16, rel=0.1)


def activations(**changes: Any) -> float:
    """Memory that goes with the examples: what is left when there are next to none is not."""
    plan = {**PLAN, "pack": 4, "eval_tokens": 0, **changes}
    few = replace(SMOLLM2, layers=0)
    adapters = 5 * 4 * 4 * adapter_params(SMOLLM2, 16)
    return memory_bytes(SMOLLM2, **plan) - memory_bytes(few, **plan) - adapters


def test_whole_weights_in_bfloat16_have_float32_masters_and_moments() -> None:
    """Two bytes of weight, two of gradient, four of master and eight of moments."""
    plan = {**PLAN, "method": "full", "tokens_per_example": 1, "dtype_bytes": 2}
    one, two = (memory_bytes(LLAMA2_7B, **plan, pack=pack) for pack in (1, 2))
    assert two - one >= 16 * LLAMA2_7B.params
    lanes = stack("full", torch.bfloat16)
    kept = LaneAdamW(lanes.trainable(), [1e-3] * LANES)
    held = [*lanes.trainable().values(), *kept.first.values(), *kept.second.values()]
    count = sum(p.numel() for p in lanes.trainable().values())
    took = sum(t.nbytes for t in [*held, *kept.masters.values()]) + 2 * count
    assert took == 16 * count


def test_a_micro_batch_keeps_its_part_of_the_activations_without_a_heap_full_of_holes() -> None:
    assert activations(micro_batch=2) == pytest.approx(activations() / HEAP / 4, rel=0.01)
    assert activations(micro_batch=99) == pytest.approx(activations() / HEAP, rel=0.01)


def test_recomputed_activations_are_the_inputs_of_the_blocks_and_one_block_more() -> None:
    tokens = 4 * 8 * 64
    inputs = tokens * 30 * 576 * 4
    assert activations(recompute=True) == pytest.approx(inputs, rel=0.01)
    wide = memory_bytes(replace(SMOLLM2, layers=1), pack=4, recompute=True, **PLAN)
    assert wide - RUNTIME_BYTES > tokens * (8 * 576 + 4 * 1536) * 4


def test_every_way_to_need_less_is_planned_to_need_less() -> None:
    ways: list[dict[str, Any]] = [
        {"pack": 4}, {"pack": 2}, {"pack": 1}, {"pack": 1, "micro_batch": 4},
        {"pack": 1, "micro_batch": 1}, {"pack": 1, "micro_batch": 1, "recompute": True},
    ]  # fmt: skip
    for plan in (PLAN, {**PLAN, "method": "full"}):
        sizes = [memory_bytes(SMOLLM2, **{**plan, "eval_tokens": 0, **way}) for way in ways]
        assert sizes == sorted(sizes, reverse=True)
        # In full training the optimizer's temporaries may be what is left in the end.
        assert len(set(sizes)) >= len(sizes) - (plan["method"] == "full")


def test_the_largest_pack_is_the_last_that_fits() -> None:
    pack = largest_pack(SMOLLM2, memory=6e9, cells=15, **PLAN)
    assert 1 <= pack < 15
    assert memory_bytes(SMOLLM2, pack=pack, **PLAN) <= 6e9
    assert memory_bytes(SMOLLM2, pack=pack + 1, **PLAN) > 6e9
    assert largest_pack(SMOLLM2, memory=1e12, cells=15, **PLAN) == 15
    assert largest_pack(LLAMA2_7B, memory=6e9, cells=15, **PLAN) == 0


def test_a_7b_model_needs_a_gpu_of_a_plausible_size() -> None:
    plan = {**PLAN, "dtype_bytes": 2, "pack": 1, "tokens_per_example": 256}
    assert 14e9 < memory_bytes(LLAMA2_7B, **plan) < 80e9


def test_keys_and_values_are_those_of_the_heads_that_have_them() -> None:
    """64 long answers of a 70B: 8 of its 64 heads have keys and values."""
    plan = {**PLAN, "dtype_bytes": 2, "tokens_per_example": 1, "eval_tokens": 4096}
    shared = Shape(70_553_706_496, 8192, 80, 28672, 128256, 64, kv_heads=8)
    rows = {count: memory_bytes(shared, pack=1, **plan, answer_rows=count) for count in (64, 128)}
    assert rows[128] - rows[64] == 64 * 4096 * 2 * 80 * 1024 * 2
    alone = memory_bytes(replace(shared, kv_heads=None), pack=1, **plan, answer_rows=128)
    assert alone - rows[128] > 6 * (rows[128] - rows[64])
    gemma = Shape(1, 3584, 42, 14336, 256000, 16, kv_heads=8, head_dim=256)
    assert (gemma.query_width, gemma.kv_width) == (4096, 2048), "wider than the residual stream"


def test_a_gpu_has_no_heap_with_holes_and_answers_what_fits() -> None:
    plan = {**PLAN, "dtype_bytes": 2, "pack": 1, "tokens_per_example": 341, "eval_tokens": 100}
    ours, theirs = memory_bytes(LLAMA2_7B, **plan, gpu=True), memory_bytes(LLAMA2_7B, **plan)
    logits = min(HEAD_LOGITS_ON_GPU, 8 * 341 * 32016) * 10 - HEAD_LOGITS * 10
    kept = theirs - ours + logits
    assert kept > 0.3 * 8 * 341 * 32 * activation_bytes_per_token(
        replace(LLAMA2_7B, layers=1), method="lora", rank=16, dtype_bytes=2
    )
    assert ANSWER_ROWS == 64
