"""A frozen norm in one step gives what transformers' own gives."""

from __future__ import annotations

import pytest
import torch
from support.tiny_models import gemma3, llama, relative
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from mobench.lanes import LoraLanes
from mobench.lanes.norm import FrozenNorm


def norm(dtype: torch.dtype) -> LlamaRMSNorm:
    made = LlamaRMSNorm(24, eps=1e-3).to(dtype).requires_grad_(False)
    with torch.no_grad():
        made.weight.copy_(torch.randn(24, generator=torch.Generator().manual_seed(1)))
    return made


def both(module: torch.nn.Module, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """What comes out, and the gradient of what goes in; rows of many sizes."""
    draw = torch.Generator().manual_seed(2)
    x = torch.randn(2, 5, 24, generator=draw) * torch.logspace(-3, 2, 5)[:, None]
    x = x.to(dtype).requires_grad_()
    y = module(x)
    y.backward(torch.randn(2, 5, 24, generator=draw).to(dtype))
    assert x.grad is not None
    return y.detach(), x.grad


@pytest.mark.parametrize(
    ("dtype", "near"), [(torch.float32, 1e-6), (torch.bfloat16, 0.01), (torch.float64, 0.0)]
)
def test_it_is_the_norm_and_its_gradient(dtype: torch.dtype, near: float) -> None:
    theirs, mine = both(norm(dtype), dtype), both(FrozenNorm(norm(dtype)), dtype)
    for one, other in zip(mine, theirs, strict=True):
        assert one.dtype == dtype
        for row in range(5):  # a small row must not hide behind a large one
            assert relative(one[:, row].double(), other[:, row].double()) <= near


def test_a_norm_with_another_formula_is_left_alone() -> None:
    """Gemma adds 1 to its gains."""
    assert LoraLanes(gemma3(), [0], rank=2, alpha=4.0).norms == {}
    assert len(LoraLanes(llama(), [0], rank=2, alpha=4.0).norms) == 5


def test_merging_takes_it_off_again() -> None:
    lanes = LoraLanes(llama(), [0], rank=2, alpha=4.0)
    merged = lanes.merge(0)
    assert merged.state_dict().keys() == llama().state_dict().keys()
    assert not any(isinstance(module, FrozenNorm) for module in merged.modules())
