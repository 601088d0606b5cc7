"""A frozen root-mean-square norm as one step of autograd.

Left to autograd, transformers' norm is nine passes over its input forward and backward, each of
them through memory. Its gain is frozen beside an adapter, so the gradient of the input is all there
is to compute, and it needs nothing but the input.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

KNOWN = frozenset({"LlamaRMSNorm", "Qwen2RMSNorm", "Qwen3RMSNorm", "MistralRMSNorm"})
"""Norms that are ``gain · x / sqrt(mean(x²) + epsilon)`` in float32, and nothing more."""


class FrozenNorm(nn.Module):
    """The same norm (Zhang & Sennrich 2019, arXiv 1910.07467) with a gradient for its input alone.

    Args:
        base: One of :data:`KNOWN`, frozen.
    """

    def __init__(self, base: nn.Module) -> None:
        super().__init__()
        self.base = base
        self.epsilon = float(base.variance_epsilon)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Norms [..., width] over its last axis."""
        gain = self.base.weight
        assert isinstance(gain, torch.Tensor)
        if x.dtype == torch.float64 or gain.requires_grad or not torch.is_grad_enabled():
            # transformers rounds doubles to float32 here: a test in doubles sees its rounding.
            told: torch.Tensor = self.base(x)
            return told
        y: torch.Tensor = _FrozenNorm.apply(x, gain, self.epsilon)  # type: ignore[no-untyped-call]
        return y


class _FrozenNorm(torch.autograd.Function):
    """:class:`FrozenNorm` with its gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, gain: torch.Tensor, epsilon: float) -> torch.Tensor:
        """Keeps the input and one number for each row."""
        wide = x.float()
        length = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
        scale = length.square_().div_(x.shape[-1]).add_(epsilon).rsqrt_()
        ctx.save_for_backward(x, gain, scale)
        return (wide * scale).to(x.dtype).mul_(gain)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """With y = g·s·x and s = (mean(x²) + ε)^-½: s·(g·dy) − x·s³·mean(g·dy·x)."""
        x, gain, scale = ctx.saved_tensors
        wide, slope = x.float(), (gradient * gain).float()
        along = torch.linalg.vecdot(slope, wide).unsqueeze(-1)
        along.mul_(scale.pow(3)).div_(-x.shape[-1])
        return slope.mul_(scale).addcmul_(wide, along).to(x.dtype), None, None
