"""What LoRA costs beside the frozen products: bytes a token and layer, kernels, waits.

Budgets, counted as torch dispatches it, so they hold for a GPU as well, where a kernel costs its
launch and each byte its way to memory and back.
"""

from __future__ import annotations

from typing import Any

import torch
from support.kernel_count import Counted
from torch import nn

from mobench.lanes.lora import LoraLinear
from mobench.lanes.scope import Scope
from mobench.lanes.shared_cast import SHARING, SharedCast

WIDTH, INNER, TOKENS, RANK = 4096, 11008, 1024, 16  # a Llama-2-7B's
LAYERS = {
    "q_proj": (WIDTH, WIDTH), "k_proj": (WIDTH, WIDTH), "v_proj": (WIDTH, WIDTH),
    "o_proj": (WIDTH, WIDTH), "gate_proj": (WIDTH, INNER), "up_proj": (WIDTH, INNER),
    "down_proj": (INNER, WIDTH),
}  # fmt: skip
READ_BY = {
    "q_proj": "attention", "k_proj": "attention", "v_proj": "attention", "o_proj": "heads",
    "gate_proj": "mlp", "up_proj": "mlp", "down_proj": "inner",
}  # fmt: skip
"""Which input each of them reads."""
BESIDE_FROZEN = 2.2e6
"""Bytes a token and block; 3.25 MB where everything is cast, scaled, added and rounded apart."""


def block_bytes(*, lora: bool) -> float:
    """Bytes a token of the seven products of one block, there and back, in bfloat16."""
    scope, cast = Scope(1), SharedCast()
    on_meta: dict[str, Any] = {"dtype": torch.bfloat16, "device": "meta"}
    read: dict[str, torch.Tensor] = {}
    with Counted() as counted:
        made = []
        for name, (inputs, outputs) in LAYERS.items():
            frozen = nn.Linear(inputs, outputs, bias=False, **on_meta).requires_grad_(False)
            layer: nn.Module = frozen
            if lora:
                how: dict[str, Any] = {"rank": RANK, "scaling": 2.0, "cast": cast}
                layer = LoraLinear(frozen, scope, shared=name in SHARING, **how)
            x = read.setdefault(
                READ_BY[name], torch.empty(1, TOKENS, inputs, **on_meta).requires_grad_()
            )
            made.append(layer(x))
        for y in reversed(made):
            y.backward(torch.empty_like(y))
    return sum(counted.bytes.values()) / TOKENS


def test_adapters_over_bfloat16_stay_within_their_budget_of_traffic() -> None:
    beside = block_bytes(lora=True) - block_bytes(lora=False)
    assert 1e6 < beside < BESIDE_FROZEN
