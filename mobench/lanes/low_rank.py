"""A frozen product and every lane's low-rank update of it, as one step of autograd.

Left to autograd, a LoRA layer keeps its update, the scaled update and the sum, and walks over each
of them again backward. Written out, the update is accumulated into the frozen product's own
memory, nothing but the input and the narrow ``A x`` is kept, and the gradients of input and
adapters share the one product ``gradient · B``.
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
    """:func:`low_rank` with its gradients."""

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
        # Turned round once, B is read along its rows in all three products; it is small.
        turned = b.transpose(1, 2).contiguous()
        ctx.save_for_backward(x, weight, a, turned, low)
        ctx.scaling = scaling
        sums = frozen.view(lanes, -1, b.shape[1])
        if frozen.dtype == a.dtype:
            sums.baddbmm_(low, turned, alpha=scaling)
            return frozen
        return (sums + scaling * torch.bmm(low, turned)).view_as(frozen).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Gradients of the input and of the adapters; the frozen layer has none."""
        x, weight, a, turned, low = ctx.saved_tensors
        lanes = a.shape[0]
        down = gradient.reshape(lanes, -1, turned.shape[2]).to(a.dtype)
        through = torch.bmm(down, turned.transpose(1, 2)).mul_(ctx.scaling)
        of_b = torch.bmm(low.transpose(1, 2), down).mul_(ctx.scaling).transpose(1, 2).contiguous()
        of_a = torch.bmm(through.transpose(1, 2), x.reshape(lanes, -1, a.shape[2]).to(a.dtype))
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = gradient @ weight
            sums = of_x.view(lanes, -1, a.shape[2])
            if of_x.dtype == a.dtype:
                sums.baddbmm_(through, a)
            else:
                of_x = (sums + torch.bmm(through, a)).to(of_x.dtype).view_as(of_x)
        return of_x, None, None, of_a, of_b, None
