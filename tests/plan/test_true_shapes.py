"""A training step at the true size of every architecture of the hub, on tensors without memory.

Nothing is computed, so a 70B's block fits: what autograd keeps is counted, byte by byte, and held
against the plan.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from mobench.lanes import LoraLanes
from mobench.plan.model_size import Shape, adapter_params, model_shape
from mobench.plan.pack_memory import activation_bytes_per_token
from mobench.registry import collect
from mobench.registry.organism_spec import HubBase

REGISTRY = collect(Path(__file__).parents[2])
ARCHITECTURES: dict[str, tuple[Any, Any]] = {
    "Qwen3": (Qwen3Config, Qwen3ForCausalLM),
    "Qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "gemma": (Gemma2Config, Gemma2ForCausalLM),
    "istral": (MistralConfig, MistralForCausalLM),
    "lama": (LlamaConfig, LlamaForCausalLM),
}
RANK, LANES, TOKENS = 16, 2, 341
LEAST = {"gemma": 0.85}
"""Planned over kept, at least. A block of Gemma's has two norms more, and none that lanes replace;
the share of memory that is planned with leaves room for that."""


def kind_of(repo: str, shape: Shape) -> str:
    """The architecture of a base, by its repository's name; who merges one says it nowhere else."""
    named = next((kind for kind in ARCHITECTURES if kind in repo), None)
    if named is None:
        named = "Qwen2" if shape.vocab_size == 151936 else "lama"
    return named


SHAPES = {
    (kind_of(spec.base.repo, shape), shape)
    for spec in REGISTRY.organisms.values()
    if isinstance(spec.base, HubBase)
    for shape in [model_shape(spec)]
}


def model(kind: str, shape: Shape, layers: int) -> PreTrainedModel:
    config, architecture = ARCHITECTURES[kind]
    more = {} if shape.head_dim is None else {"head_dim": shape.head_dim}
    with torch.device("cpu"):
        made = architecture._from_config(
            config(
                hidden_size=shape.hidden_size,
                intermediate_size=shape.intermediate_size,
                num_hidden_layers=layers,
                num_attention_heads=shape.heads,
                num_key_value_heads=shape.kv_heads or shape.heads,
                vocab_size=64,
                pad_token_id=0,
                **more,
            ),
            dtype=torch.bfloat16,
        )
    found: PreTrainedModel = made.eval()
    return found


def stacked(kind: str, shape: Shape, layers: int) -> LoraLanes:
    made = model(kind, shape, layers)
    with torch.device("cpu"):
        return LoraLanes(made, range(LANES), rank=RANK, alpha=2.0 * RANK)


def kept_bytes(lanes: LoraLanes) -> int:
    """Bytes of all that autograd keeps of one step, without weights, adapters and turned B's."""
    rows, width = LANES, lanes.model.config.hidden_size
    known = {p.untyped_storage()._cdata for p in lanes.model.parameters()}
    outputs = {layer.outputs for layer in lanes.layers.values()}
    turned = {(LANES, RANK, out) for out in outputs}
    kept: dict[int, int] = {}
    alive = []  # or a storage's address is given to the next one

    def save(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in known and tuple(tensor.shape) not in turned:
            kept[storage._cdata] = storage.nbytes()
        alive.append(storage)
        return tensor

    embedded = torch.empty(rows, TOKENS, width, dtype=torch.bfloat16).requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
        lanes.model.base_model(
            inputs_embeds=embedded,
            attention_mask=torch.ones(rows, 1, TOKENS, TOKENS, dtype=torch.bool),
            use_cache=False,
        )
    return sum(kept.values())


@pytest.mark.parametrize(
    ("kind", "shape"),
    sorted(SHAPES, key=lambda found: found[1].params),
    ids=lambda value: value if isinstance(value, str) else f"{value.params / 1e9:.1f}b",
)
def test_a_block_keeps_what_is_planned(kind: str, shape: Shape) -> None:
    # As on a CPU, whose attention is fused too: nothing has memory, everything has a shape.
    with FakeTensorMode():
        one, two = (kept_bytes(stacked(kind, shape, layers)) for layers in (1, 2))
    block = two - one
    planned = activation_bytes_per_token(
        Shape(0, shape.hidden_size, 1, shape.intermediate_size, 0, shape.heads,
              shape.kv_heads, shape.head_dim),
        method="lora", rank=RANK, dtype_bytes=2,
    )  # fmt: skip
    kept = block / (LANES * TOKENS)
    assert LEAST.get(kind, 0.99) <= planned / kept < 1.12


@pytest.mark.parametrize(
    ("kind", "shape"),
    sorted(SHAPES, key=lambda found: found[1].params),
    ids=lambda value: value if isinstance(value, str) else f"{value.params / 1e9:.1f}b",
)
def test_an_adapter_has_as_many_weights_as_planned(kind: str, shape: Shape) -> None:
    with FakeTensorMode():
        lanes = stacked(kind, shape, 2)
    held = sum(p.numel() for p in lanes.trainable().values()) / LANES
    assert held == adapter_params(shape, RANK) * 2 / shape.layers
