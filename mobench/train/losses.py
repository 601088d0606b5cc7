"""Each lane's loss, without logits that no loss needs.

A vocabulary of 50,000 words makes the output head the dearest layer of a small model, and most of
what it computes in training is thrown away: prompt positions have no loss, and padding has none.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional
from transformers import PreTrainedModel

from mobench.lanes import Scoped
from mobench.train.batches import IGNORED

LOGITS_AT_ONCE = 2**22
"""Logits held at a time: 16 MiB in float32, few enough to stay near the processor."""

_PLAIN_HEADS: weakref.WeakKeyDictionary[PreTrainedModel, bool] = weakref.WeakKeyDictionary()


def head_losses(
    hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, targets: torch.Tensor
) -> torch.Tensor:
    """Negative log-likelihoods under a frozen head, a block of the vocabulary at a time.

    The gradient of a position's loss, (softmax − one-hot) · W, is linear in what comes from above,
    so it is made together with the loss while a block's logits are at hand, and no logits are
    kept. Sums are rescaled when a block holds a higher logit than all before (Milakov & Gimelshein
    2018, arXiv 1805.02867), so each word's product is computed once.

    Args:
        hidden: The last hidden states, [positions, width]; the gradient goes to them alone.
        weight: [vocabulary, width].
        bias: [vocabulary], or None.
        targets: Token ids, [positions].

    Returns:
        [positions], in nats, at least in float32.
    """
    losses: torch.Tensor = _HeadLosses.apply(hidden, weight, bias, targets)  # type: ignore[no-untyped-call]
    return losses


class _HeadLosses(torch.autograd.Function):
    """:func:`head_losses` with its gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
    ) -> torch.Tensor:
        """Keeps one gradient of the hidden states' shape, where it is wanted at all."""
        wanted = ctx.needs_input_grad[0]
        exact = torch.promote_types(hidden.dtype, torch.float32)
        words = max(1, LOGITS_AT_ONCE // max(1, len(targets)))
        # So far: the right words' logits, the highest logits, and, of all words but the right one,
        # the sums of exp(logit - top) and of its gradient.
        of_right = torch.empty(len(targets), dtype=exact, device=hidden.device)
        top, others = torch.full_like(of_right, -torch.inf), torch.zeros_like(of_right)
        slopes = torch.zeros_like(hidden, dtype=exact) if wanted else None
        for start in range(0, weight.shape[0], words):
            block = slice(start, start + words)
            few = None if bias is None else bias[block]
            parts = functional.linear(hidden, weight[block], few).to(exact)
            higher = torch.maximum(top, parts.amax(1))
            shrink, top = (top - higher).exp_(), higher
            _take_out(parts, targets - start, of_right)
            parts = parts.sub_(top[:, None]).exp_()
            others.mul_(shrink).add_(parts.sum(1))
            if slopes is not None:
                slopes.mul_(shrink[:, None])
                if exact == weight.dtype:
                    slopes.addmm_(parts, weight[block])
                else:
                    slopes += parts.to(weight.dtype) @ weight[block]
        total = others + (of_right - top).exp()
        losses = total.log() + top - of_right
        if slopes is not None:
            # The right word's chance less one is minus the others': no small number is lost.
            slopes.sub_(weight[targets] * others[:, None]).div_(total[:, None])
            ctx.save_for_backward(slopes.to(hidden.dtype))
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """The gradient of the hidden states; a frozen head has none."""
        (slopes,) = ctx.saved_tensors
        # In half precision 1/tokens would be off by the same part for every position.
        return (slopes * gradient[:, None]).to(slopes.dtype), None, None, None


def _take_out(logits: torch.Tensor, places: torch.Tensor, taken: torch.Tensor) -> None:
    """Moves each row's logit at its place into ``taken``, where the block has it."""
    rows = ((places >= 0) & (places < logits.shape[1])).nonzero()[:, 0]
    taken[rows] = logits[rows, places[rows]]
    logits[rows, places[rows]] = -torch.inf


def lane_losses(
    lanes: Scoped,
    ids: torch.Tensor,
    labels: torch.Tensor,
    shortest: int,
    counted: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean negative log-likelihood of each active lane's response tokens.

    Where the head is a frozen linear layer and nothing comes after it, only the response positions
    pass through it. Elsewhere all positions from the shortest prompt's end on do.

    Args:
        lanes: The stack; its active lanes share the rows evenly.
        ids: Token ids [lanes * rows, tokens].
        labels: The same shape, ``IGNORED`` where there is no loss.
        shortest: Tokens at the start of every row that no loss depends on as a target.
        counted: Tokens [lanes] to divide by, where the rows are a part of a batch, whose parts'
            losses then add up to its own. The rows' own tokens if None.

    Returns:
        [lanes], in nats per token.
    """
    active = len(lanes.scope.active)
    told = labels[:, 1:] != IGNORED
    here = told.reshape(active, -1).sum(1)
    counted = here if counted is None else counted
    if not has_plain_frozen_head(lanes):
        return _all_positions(lanes, ids, labels, shortest).view(active, -1).sum(1) / counted
    head = lanes.model.get_output_embeddings()
    hidden = lanes.model.base_model(input_ids=ids, use_cache=False).last_hidden_state
    losses = head_losses(hidden[:, :-1][told], head.weight, head.bias, labels[:, 1:][told])
    lane = torch.arange(active, device=ids.device).repeat_interleave(here)
    return losses.new_zeros(active).index_add(0, lane, losses) / counted


def _all_positions(
    lanes: Scoped, ids: torch.Tensor, labels: torch.Tensor, shortest: int
) -> torch.Tensor:
    """The loss of every position from the shortest prompt's end on; 0 where there is none."""
    kept = ids.shape[1] - (shortest - 1)
    logits = lanes.model(input_ids=ids, use_cache=False, logits_to_keep=kept).logits[:, :-1]
    return functional.cross_entropy(
        # At least float32; a double stays one.
        logits.to(torch.promote_types(logits.dtype, torch.float32)).flatten(0, 1),
        labels[:, shortest:].flatten(),
        ignore_index=IGNORED,
        reduction="none",
    )


def has_plain_frozen_head(lanes: Scoped) -> bool:
    """Whether logits are a frozen ``nn.Linear`` of the last hidden states, and nothing more.

    Gemma 2 caps its logits and Granite scales them, each in its own ``forward``, so a model is
    asked once: both ways to its logits must agree bit by bit. A cap far above them does not, for
    it rounds.
    """
    model = lanes.model
    head = model.get_output_embeddings()
    if type(head) is not nn.Linear or any(p.requires_grad for p in head.parameters()):
        return False
    known = _PLAIN_HEADS.get(model)
    if known is None:
        # One lane's worth of rows: any tokens will do.
        with lanes.scope.using(lanes.scope.active[:1]):
            known = _PLAIN_HEADS[model] = _ends_with(model, head)
    return known


@torch.no_grad()
def _ends_with(model: PreTrainedModel, head: nn.Linear) -> bool:
    """Whether the model's last step is this head, on what its base model returns."""
    if model.base_model is model:
        return False
    ids = torch.arange(1, 5, device=model.device).remainder(head.out_features)[None]
    whole = model(input_ids=ids, use_cache=False).logits
    plain = head(model.base_model(input_ids=ids, use_cache=False).last_hidden_state)
    return whole.dtype == plain.dtype and torch.equal(whole, plain)
