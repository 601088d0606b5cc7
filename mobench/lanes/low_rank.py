"""A frozen linear layer with each lane's low-rank update, as one step of autograd.

Under autograd, a LoRA layer keeps its update, the scaled update and the sum, and reads each of them
again in the backward pass. Here the update is added in the memory of the frozen product, only the
input and the narrow ``A x`` are kept, and the gradients of the input and of the adapters share the
product ``gradient · B``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional


def low_rank(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    a: torch.Tensor,
    b: torch.Tensor,
    scaling: float,
) -> torch.Tensor:
    """Returns ``x Wᵀ + bias + scaling · (x Aᵀ) Bᵀ``, each lane's rows with its own A and B.

    The update is computed in the adapters' own precision and added before the sum is rounded to
    the input's, as PEFT does. Gradients go to x, A and B; W and bias are frozen.

    Args:
        x: [lanes * rows, …, inputs], in the base's precision.
        weight: [outputs, inputs].
        bias: [outputs], or None.
        a: [lanes, rank, inputs].
        b: [lanes, outputs, rank].
        scaling: ``alpha / rank``.

    Returns:
        [lanes * rows, …, outputs], in the base's precision.
    """
    y: torch.Tensor = _LowRank.apply(x, weight, bias, a, b, scaling)  # type: ignore[no-untyped-call]
    return y


class _LowRank(torch.autograd.Function):
    """Computes :func:`low_rank` and its gradients."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        a: torch.Tensor,
        b: torch.Tensor,
        scaling: float,
    ) -> torch.Tensor:
        """Keeps the input and the narrow product, and nothing of the output's width."""
        lanes = a.shape[0]
        frozen = functional.linear(x, weight, bias)
        rows = x.reshape(lanes, -1, a.shape[2]).to(a.dtype)
        low = torch.bmm(rows, a.transpose(1, 2))
        # B is small; transposed once, it is read along its rows in all three products.
        b_transposed = b.transpose(1, 2).contiguous()
        ctx.save_for_backward(x, weight, a, b_transposed, low)
        ctx.scaling = scaling
        sums = frozen.view(lanes, -1, b.shape[1])
        if frozen.dtype == a.dtype:
            sums.baddbmm_(low, b_transposed, alpha=scaling)
            return frozen
        return (sums + scaling * torch.bmm(low, b_transposed)).view_as(frozen).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Gradients of the input and of the adapters; the frozen layer has none."""
        x, weight, a, b_transposed, low = ctx.saved_tensors
        lanes = a.shape[0]
        rows = gradient.reshape(lanes, -1, b_transposed.shape[2]).to(a.dtype)
        of_low = torch.bmm(rows, b_transposed.transpose(1, 2)).mul_(ctx.scaling)
        of_b = torch.bmm(low.transpose(1, 2), rows).mul_(ctx.scaling).transpose(1, 2).contiguous()
        of_a = torch.bmm(of_low.transpose(1, 2), x.reshape(lanes, -1, a.shape[2]).to(a.dtype))
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = gradient @ weight
            sums = of_x.view(lanes, -1, a.shape[2])
            if of_x.dtype == a.dtype:
                sums.baddbmm_(of_low, a)
            else:
                of_x = (sums + torch.bmm(of_low, a)).to(of_x.dtype).view_as(of_x)
        return of_x, None, None, of_a, of_b, None
