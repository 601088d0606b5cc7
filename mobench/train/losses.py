"""Each lane's loss, without computing logits that no loss needs.

With a vocabulary of 50,000 tokens the output head is the most expensive layer of a small model, and
most of what it computes in training is not used: prompts and padding have no loss.
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

LOGITS_AT_ONCE, LOGITS_ON_GPU = 2**22, 2**26
"""Logits that are held at a time: 16 MiB in float32, few enough for a processor's cache; on a GPU,
which a narrow product leaves idle, a quarter of a gibibyte."""

_PLAIN_HEADS: weakref.WeakKeyDictionary[PreTrainedModel, bool] = weakref.WeakKeyDictionary()


def head_losses(
    hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, targets: torch.Tensor
) -> torch.Tensor:
    """Negative log-likelihoods under a frozen head, one block of the vocabulary at a time.

    The gradient of a position's loss, (softmax − one-hot) · W, is only multiplied by what the
    backward pass brings. So it is computed together with the loss, from the logits of a block, and
    no logits are kept. Sums are rescaled where a block holds a higher logit than all blocks before
    (Milakov & Gimelshein 2018, arXiv 1805.02867), so each logit is computed once.

    Args:
        hidden: The last hidden states, [positions, width]; only they get a gradient.
        weight: [vocabulary, width].
        bias: [vocabulary], or None.
        targets: Token ids, [positions].

    Returns:
        [positions], in nats, at least in float32.
    """
    losses: torch.Tensor = _HeadLosses.apply(hidden, weight, bias, targets)  # type: ignore[no-untyped-call]
    return losses


class _HeadLosses(torch.autograd.Function):
    """Computes :func:`head_losses` and its gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
    ) -> torch.Tensor:
        """Keeps one gradient of the hidden states' shape, where a gradient is needed."""
        needs_gradient = ctx.needs_input_grad[0]
        exact = torch.promote_types(hidden.dtype, torch.float32)
        at_once = LOGITS_AT_ONCE if hidden.device.type == "cpu" else LOGITS_ON_GPU
        block_size = max(1, at_once // max(1, len(targets)))
        # For each position, over the blocks so far: the target's logit, the highest logit, and over
        # all tokens but the target the sum of exp(logit - highest) and its gradient.
        of_target = torch.empty(len(targets), dtype=exact, device=hidden.device)
        highest, others = torch.full_like(of_target, -torch.inf), torch.zeros_like(of_target)
        slopes = torch.zeros_like(hidden, dtype=exact) if needs_gradient else None
        for start in range(0, weight.shape[0], block_size):
            block = slice(start, start + block_size)
            block_bias = None if bias is None else bias[block]
            logits = functional.linear(hidden, weight[block], block_bias).to(exact)
            # Rescale the sums to the new highest logit.
            higher = torch.maximum(highest, logits.amax(1))
            shrink, highest = (highest - higher).exp_(), higher
            # Add the block's tokens, without the targets, whose logits are set aside.
            _take_out(logits, targets - start, of_target)
            exponentials = logits.sub_(highest[:, None]).exp_()
            others.mul_(shrink).add_(exponentials.sum(1))
            if slopes is not None:
                slopes.mul_(shrink[:, None])
                if exact == weight.dtype:
                    slopes.addmm_(exponentials, weight[block])
                else:
                    slopes += exponentials.to(weight.dtype) @ weight[block]
        total = others + (of_target - highest).exp()
        losses = total.log() + highest - of_target
        if slopes is not None:
            # The target's probability minus 1 is minus the sum of all others; computed so, it stays
            # precise where it is small.
            slopes.sub_(weight[targets] * others[:, None]).div_(total[:, None])
            ctx.save_for_backward(slopes.to(hidden.dtype))
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Returns the gradient of the hidden states; the frozen head has none."""
        (slopes,) = ctx.saved_tensors
        # Rounded last: 1/tokens in half precision would be wrong by the same factor everywhere.
        return (slopes * gradient[:, None]).to(slopes.dtype), None, None, None


def _take_out(logits: torch.Tensor, columns: torch.Tensor, taken: torch.Tensor) -> None:
    """Moves each row's logit in its column into ``taken``, if the block has that column.

    Which rows have one is never asked, for a GPU's host would have to wait for the answer.
    """
    inside = (columns >= 0) & (columns < logits.shape[1])
    place = columns.clamp(0, logits.shape[1] - 1)[:, None]
    there = logits.gather(1, place)[:, 0]
    torch.where(inside, there, taken, out=taken)
    logits.scatter_(1, place, torch.where(inside, -torch.inf, there)[:, None])


def lane_losses(
    lanes: Scoped,
    ids: torch.Tensor,
    labels: torch.Tensor,
    shortest: int,
    counted: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean negative log-likelihood of each active lane's response tokens.

    Where the model ends with a frozen linear head, only response positions pass through that head.
    Otherwise all positions do, from the end of the shortest prompt.

    Args:
        lanes: The stack; its active lanes share the rows evenly.
        ids: Token ids [lanes * rows, tokens].
        labels: Of the same shape, ``IGNORED`` where there is no loss.
        shortest: Length of the shortest prompt; no token before it is the target of a loss.
        counted: Tokens [lanes] to divide by; the rows' own response tokens if None. With those of a
            whole batch, the losses of its parts add up to the batch's loss.

    Returns:
        [lanes], in nats per token.
    """
    active = len(lanes.scope.active)
    in_loss = labels[:, 1:] != IGNORED
    own = in_loss.reshape(active, -1).sum(1)
    counted = own if counted is None else counted
    if not has_plain_frozen_head(lanes):
        return _all_positions(lanes, ids, labels, shortest).view(active, -1).sum(1) / counted
    head = lanes.model.get_output_embeddings()
    hidden = lanes.model.base_model(input_ids=ids, use_cache=False).last_hidden_state
    losses = head_losses(hidden[:, :-1][in_loss], head.weight, head.bias, labels[:, 1:][in_loss])
    lane = torch.arange(active, device=ids.device).repeat_interleave(own)
    return losses.new_zeros(active).index_add(0, lane, losses) / counted


def _all_positions(
    lanes: Scoped, ids: torch.Tensor, labels: torch.Tensor, shortest: int
) -> torch.Tensor:
    """The loss of every position from the end of the shortest prompt; 0 where there is none."""
    positions = ids.shape[1] - (shortest - 1)
    logits = lanes.model(input_ids=ids, use_cache=False, logits_to_keep=positions).logits[:, :-1]
    return functional.cross_entropy(
        # At least float32; a double stays one.
        logits.to(torch.promote_types(logits.dtype, torch.float32)).flatten(0, 1),
        labels[:, shortest:].flatten(),
        ignore_index=IGNORED,
        reduction="none",
    )


def has_plain_frozen_head(lanes: Scoped) -> bool:
    """Returns whether logits are just a frozen ``nn.Linear`` of the last hidden states.

    Gemma 2 caps its logits and Granite scales them, each in its own ``forward``. So logits are
    computed both ways once for each model, and must agree bit by bit. Even a cap far above all
    logits is found in this way, because it rounds them.
    """
    model = lanes.model
    head = model.get_output_embeddings()
    if type(head) is not nn.Linear or any(p.requires_grad for p in head.parameters()):
        return False
    plain = _PLAIN_HEADS.get(model)
    if plain is None:
        # With one lane, any number of rows will do.
        with lanes.scope.using(lanes.scope.active[:1]):
            plain = _PLAIN_HEADS[model] = _ends_with(model, head)
    return plain


@torch.no_grad()
def _ends_with(model: PreTrainedModel, head: nn.Linear) -> bool:
    """Whether the model's logits are this head's output on what its base model returns."""
    if model.base_model is model:
        return False
    ids = torch.arange(1, 5, device=model.device).remainder(head.out_features)[None]
    whole = model(input_ids=ids, use_cache=False).logits
    plain = head(model.base_model(input_ids=ids, use_cache=False).last_hidden_state)
    return whole.dtype == plain.dtype and torch.equal(whole, plain)
