"""A frozen linear layer with each lane's low-rank update, as one step of autograd.

Under autograd, a LoRA layer keeps its update, the scaled update and the sum, and reads each of them
again in the backward pass. Here the update is added in the memory of the frozen product, only the
input and the narrow ``A x`` are kept, and the gradients of the input and of the adapters share the
product ``gradient · B``. Over a bfloat16 base the update is in float32, and is added into the
bfloat16 product as it is: no sum, scaled update or rounded copy of the output's width is made.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional

from mobench.lanes.shared_cast import SharedCast


def low_rank(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    a: torch.Tensor,
    b: torch.Tensor,
    scaling: float,
    cast: SharedCast,
    *,
    shared: bool,
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
        cast: Holds the input in the adapters' precision, for the layers that read it too.
        shared: Whether there are such layers.

    Returns:
        [lanes * rows, …, outputs], in the base's precision.
    """
    y: torch.Tensor = _LowRank.apply(  # type: ignore[no-untyped-call]
        x, weight, bias, a, b, scaling, cast, shared
    )
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
        cast: SharedCast,
        shared: bool,
    ) -> torch.Tensor:
        """Keeps the input and the narrow product, and nothing of the output's width."""
        lanes = a.shape[0]
        frozen = functional.linear(x, weight, bias)
        rows = cast.of(x, a.dtype, shared=shared).reshape(lanes, -1, a.shape[2])
        low = torch.bmm(rows, a.transpose(1, 2))
        # B is small; transposed once, it is read along its rows in all three products.
        b_transposed = b.transpose(1, 2).contiguous()
        ctx.save_for_backward(x, weight, a, b_transposed, low)
        ctx.scaling, ctx.cast, ctx.shared = scaling, cast, shared
        sums = frozen.view(lanes, -1, b.shape[1])
        if frozen.dtype == a.dtype:
            sums.baddbmm_(low, b_transposed, alpha=scaling)
        else:
            # Adding in place rounds once, from the sum in the wider precision.
            sums.add_(torch.bmm(low, b_transposed), alpha=scaling)
        return frozen

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Gradients of the input and of the adapters; the frozen layer has none."""
        x, weight, a, b_transposed, low = ctx.saved_tensors
        lanes = a.shape[0]
        rows = gradient.reshape(lanes, -1, b_transposed.shape[2]).to(a.dtype)
        of_low = torch.bmm(rows, b_transposed.transpose(1, 2)).mul_(ctx.scaling)
        of_b = torch.bmm(low.transpose(1, 2), rows).mul_(ctx.scaling).transpose(1, 2).contiguous()
        inputs = ctx.cast.of(x, a.dtype, shared=ctx.shared).reshape(lanes, -1, a.shape[2])
        of_a = torch.bmm(of_low.transpose(1, 2), inputs)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = gradient @ weight
            sums = of_x.view(lanes, -1, a.shape[2])
            if of_x.dtype == a.dtype:
                sums.baddbmm_(of_low, a)
            else:
                sums.add_(torch.bmm(of_low, a))
        return of_x, None, None, of_a, of_b, None, None, None
