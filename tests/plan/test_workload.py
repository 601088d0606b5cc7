"""The arithmetic of a plan's cost, held against what torch counts on real small models."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from math import ceil
from typing import Any

import pytest

from mobench.decode.answers import MAX_ROWS
from mobench.measure.eval_suite import QUESTIONS, QUESTIONS_ON_GPU
from mobench.measure.greedy_answers import USUAL_LENGTH
from mobench.measure.vllm import worker
from mobench.plan.answering import (
    CACHE_READ,
    CACHE_SERVED,
    KERNELS_PER_LAYER,
    QUESTION_ROWS,
    QUESTION_ROWS_ON_GPU,
    ROWS,
    SERVED_ROWS,
    USUAL_TOKENS,
    answer_flops_per_token,
)
from mobench.plan.model_size import Shape, adapter_params, matmul_shape
from mobench.plan.pack_memory import cache_bytes_per_token
from mobench.plan.question_load import QuestionLoad
from mobench.plan.workload import Workload, together, train_flops_per_token, workload

SMOLLM2 = Shape(134_515_008, 576, 30, 1536, 49152, 9)
RANK, BATCH, TOKENS = 8, 4, 64

PLAN: dict[str, Any] = {
    "method": "lora",
    "rank": 16,
    "cells": 15,
    "steps": 128,
    "batch_size": 8,
    "tokens_per_example": 64,
    "checkpoints": 16,
    "eval_prompts": 20,
    "eval_tokens": 40,
    "answer_tokens": 12,
    "pack": 5,
    "capability": (QuestionLoad("facts", 80, 50, 0), QuestionLoad("sums", 60, 30, 10)),
    "capability_checkpoints": 2,
    "dtype_bytes": 4,
}


class Measured:
    """What torch counts in one training step of a small random Llama."""

    def __init__(self, method: str) -> None:
        import torch
        from peft import LoraConfig, get_peft_model
        from torch.utils.flop_counter import FlopCounterMode
        from transformers import LlamaConfig, LlamaForCausalLM

        torch.manual_seed(0)
        model: Any = LlamaForCausalLM(
            LlamaConfig(
                hidden_size=128,
                num_hidden_layers=4,
                intermediate_size=384,
                vocab_size=256,
                num_attention_heads=4,
                tie_word_embeddings=True,
            )
        )
        self.shape = Shape(sum(p.numel() for p in model.parameters()), 128, 4, 384, 256, 4)
        if method == "lora":
            lora = LoraConfig(r=RANK, target_modules="all-linear", task_type="CAUSAL_LM")
            model = get_peft_model(model, lora)
        self.trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
        ids = torch.randint(0, 256, (BATCH, TOKENS))
        with FlopCounterMode(display=False) as counter:
            loss = model(input_ids=ids, labels=ids).loss
            self.forward = counter.get_total_flops() / (BATCH * TOKENS)
            loss.backward()
        self.both = counter.get_total_flops() / (BATCH * TOKENS)


@pytest.fixture(scope="module")
def full() -> Measured:
    return Measured("full")


@pytest.fixture(scope="module")
def lora() -> Measured:
    return Measured("lora")


def without_attention(shape: Shape, flops: float, passes: int) -> float:
    """torch's counter does not see the fused attention of the CPU."""
    return flops - passes * 2 * shape.layers * TOKENS * shape.hidden_size


def test_full_training_flops_are_what_torch_counts(full: Measured) -> None:
    ours = train_flops_per_token(full.shape, method="full", rank=0, tokens=TOKENS)
    assert without_attention(full.shape, ours, 3) == pytest.approx(full.both, rel=0.01)


def test_lora_training_flops_are_what_torch_counts(lora: Measured) -> None:
    """A little below ours: nothing has to flow back below the first block."""
    ours = train_flops_per_token(lora.shape, method="lora", rank=RANK, tokens=TOKENS)
    assert without_attention(lora.shape, ours, 3) == pytest.approx(lora.both, rel=0.05)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_answering_costs_a_forward_pass(method: Any, request: pytest.FixtureRequest) -> None:
    seen: Measured = request.getfixturevalue(method)
    ours = answer_flops_per_token(seen.shape, method=method, rank=RANK, tokens=TOKENS)
    assert without_attention(seen.shape, ours, 1) == pytest.approx(seen.forward, rel=0.01)


def test_the_adapter_has_as_many_weights_as_pefts(lora: Measured) -> None:
    assert adapter_params(lora.shape, RANK) == lora.trained


def test_a_plan_counts_every_cell_step_and_checkpoint() -> None:
    cost = workload(SMOLLM2, **PLAN)
    assert cost.train_tokens == 15 * 128 * 8 * 64
    per_token = train_flops_per_token(SMOLLM2, method="lora", rank=16, tokens=64)
    assert cost.train_flops == cost.train_tokens * per_token
    adapters = 15 * 16 * adapter_params(SMOLLM2, 16) * 4
    assert adapters < cost.disk_bytes < 1.05 * adapters


def test_measuring_counts_controls_where_capability_is_read_and_both_references() -> None:
    cost = workload(SMOLLM2, **PLAN)

    def flops(tokens: int) -> float:
        return answer_flops_per_token(SMOLLM2, method="lora", rank=16, tokens=tokens)

    answers = 20 * (15 * (16 + 2) + 2 * 2)
    assert cost.attack.prompt_flops == pytest.approx(answers * 28 * flops(40))
    assert cost.attack.answer_flops == pytest.approx(answers * 12 * flops(40))
    times = 15 * 2 + 2
    read = 80 * 50 * flops(50) + 60 * 30 * flops(40)
    assert cost.capability.prompt_flops == pytest.approx(times * read)
    assert cost.capability.answer_flops == pytest.approx(times * 60 * 10 * flops(40))
    assert cost.measure_flops == cost.attack.flops + cost.capability.flops


def test_a_batch_is_written_token_by_token_whatever_its_rows() -> None:
    """Answers to eval prompts: of five cells at once. Capability: 32 rows, more where short."""
    cost = workload(SMOLLM2, **PLAN)
    kernels = SMOLLM2.layers * KERNELS_PER_LAYER
    assert cost.attack.kernels == pytest.approx((3 * 16 + 2) * 12 * kernels)
    long = {**PLAN, "capability": (QuestionLoad("essays", 200, 60, 1280),)}
    once = ceil(200 / 32) * 1280
    found = workload(SMOLLM2, **long).capability
    assert found.kernels == pytest.approx((15 * 2 + 2) * once * kernels)
    times, weights = 15 * 2 + 2, SMOLLM2.params * 4
    cached = 200 * 1280 * (60 + 640) * 2 * SMOLLM2.layers * SMOLLM2.kv_width * 4
    assert found.read_bytes == pytest.approx(times * (once * weights + CACHE_READ * cached))
    assert found.served_bytes == pytest.approx(times * (1280 * weights + CACHE_SERVED * cached))
    wider = workload(SMOLLM2, **long, question_rows=128).capability
    assert wider.kernels == pytest.approx(found.kernels * 2 / 7), "two batches for seven"
    room = 50.5 * 1340 * cache_bytes_per_token(SMOLLM2, dtype_bytes=4)
    fitting = workload(SMOLLM2, **long, question_rows=128, cache_bytes=room).capability
    assert fitting.kernels == pytest.approx(found.kernels * 4 / 7), "50 rows have room"


def test_workloads_that_share_their_references_count_them_once() -> None:
    one, none = workload(SMOLLM2, **PLAN), workload(SMOLLM2, **{**PLAN, "cells": 0})
    both = together([one, one], counted_once=none)
    assert both.capability_calls == 2 * 15 * 2 + 2
    assert both.train_tokens == 2 * one.train_tokens
    assert both.attack.flops == pytest.approx(2 * one.attack.flops - none.attack.flops)


def test_the_plan_knows_the_batches_that_are_asked() -> None:
    assert (ROWS, QUESTION_ROWS, USUAL_TOKENS) == (MAX_ROWS, QUESTIONS, USUAL_LENGTH)
    assert QUESTION_ROWS_ON_GPU == QUESTIONS_ON_GPU
    assert SERVED_ROWS == worker.ROWS


def test_recomputed_activations_cost_a_second_forward_pass() -> None:
    plain, twice = workload(SMOLLM2, **PLAN), workload(SMOLLM2, **PLAN, recompute=True)
    forward = answer_flops_per_token(SMOLLM2, method="lora", rank=16, tokens=64)
    assert twice.train_flops - plain.train_flops == pytest.approx(plain.train_tokens * forward)
    assert twice.measure_flops == plain.measure_flops


def test_a_contract_row_is_as_long_as_the_estimate_takes_it_to_be() -> None:
    row = {
        "cell": "0123456789abcdef", "step": 1024, "kind": "capability", "task": "arithmetic_mc",
        "prompt": "capital-of-france", "outcome": 1.0, "inert": None, "answer": "",
    }  # fmt: skip
    one = workload(SMOLLM2, **{**PLAN, "cells": 0, "capability": (), "eval_prompts": 1})
    rows = 2 * 2  # triggered and untriggered, of the organism and of the clean base
    assert len(json.dumps(row)) < one.disk_bytes / rows - 4 * 40 < 1.5 * len(json.dumps(row))


def test_speed_is_measured_at_the_models_own_width_and_quickly() -> None:
    assert matmul_shape(SMOLLM2, batch_size=8, tokens_per_example=64) == (512, 576, 1536)
    assert matmul_shape(SMOLLM2, batch_size=8, tokens_per_example=64, pack=99)[0] == 4096


def test_planning_needs_no_torch() -> None:
    modules = ("workload", "run_cost", "packing", "extension", "duration")
    imports = ", ".join(f"mobench.plan.{name}" for name in modules)
    code = f"import sys, {imports}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert dataclasses.is_dataclass(Workload)
