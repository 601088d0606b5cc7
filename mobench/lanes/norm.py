"""A frozen root-mean-square norm as one step of autograd.

Under autograd, transformers' norm reads its input from memory nine times, forward and backward. In
LoRA training its gain is frozen, so only the gradient of the input has to be computed, and that
needs nothing but the input.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

RMS_NORMS = frozenset({"LlamaRMSNorm", "Qwen2RMSNorm", "Qwen3RMSNorm", "MistralRMSNorm"})
"""Classes of norms that compute exactly ``gain · x / sqrt(mean(x²) + epsilon)`` in float32."""


class FrozenNorm(nn.Module):
    """A norm (Zhang & Sennrich 2019, arXiv 1910.07467) with a gradient for its input alone.

    Args:
        base: One of :data:`RMS_NORMS`, frozen.
    """

    def __init__(self, base: nn.Module) -> None:
        super().__init__()
        self.base = base
        self.epsilon = float(base.variance_epsilon)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalizes [..., width] over its last axis."""
        gain = self.base.weight
        assert isinstance(gain, torch.Tensor)
        if x.dtype == torch.float64 or gain.requires_grad or not torch.is_grad_enabled():
            # transformers rounds doubles to float32 here, and a test in doubles expects that.
            normalized: torch.Tensor = self.base(x)
            return normalized
        y: torch.Tensor = _FrozenNorm.apply(x, gain, self.epsilon)  # type: ignore[no-untyped-call]
        return y


class _FrozenNorm(torch.autograd.Function):
    """:class:`FrozenNorm` with its gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, gain: torch.Tensor, epsilon: float) -> torch.Tensor:
        """Keeps the input and one number for each row."""
        exact = x.float()
        length = torch.linalg.vector_norm(exact, dim=-1, keepdim=True)
        scale = length.square_().div_(x.shape[-1]).add_(epsilon).rsqrt_()
        ctx.save_for_backward(x, gain, scale)
        y: torch.Tensor = (exact * scale).to(x.dtype).mul_(gain)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """With y = g·s·x and s = (mean(x²) + ε)^-½: s·(g·dy) − x·s³·mean(g·dy·x)."""
        x, gain, scale = ctx.saved_tensors
        exact, scaled = x.float(), (gradient * gain).float()
        factor = torch.linalg.vecdot(scaled, exact).unsqueeze(-1)
        factor.mul_(scale.pow(3)).div_(-x.shape[-1])
        return scaled.mul_(scale).addcmul_(exact, factor).to(x.dtype), None, None
