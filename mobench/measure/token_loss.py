"""The loss of a plain model on answers, per token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from transformers import PreTrainedModel

from mobench.lanes import Scope
from mobench.train.batches import IGNORED, Encoded, collate
from mobench.train.losses import lane_losses


@dataclass
class _OnlyLane:
    """A plain model in the form of a stack with one lane, for the functions that compute losses."""

    model: PreTrainedModel
    scope: Scope = field(default_factory=lambda: Scope(1))


@torch.no_grad()
def loss_per_token(
    model: PreTrainedModel,
    examples: Sequence[Encoded],
    *,
    pad: int,
    batch_size: int,
    on_done: Callable[[int], None] = lambda _: None,
) -> float:
    """Returns the mean negative log-likelihood of the answers' tokens, in nats.

    Args:
        model: A causal LM, whose weights are frozen by this.
        examples: At least one.
        pad: Token id to pad with.
        batch_size: Examples in a forward pass.
        on_done: Called with the number of examples just computed.
    """
    lane = _OnlyLane(model.requires_grad_(False))
    ordered = sorted(examples, key=lambda example: len(example.prompt) + len(example.response))
    nats, tokens = 0.0, 0
    for start in range(0, len(ordered), batch_size):
        batch = ordered[start : start + batch_size]
        ids, labels, shortest = collate(batch, pad)
        answer_tokens = int((labels[:, 1:] != IGNORED).sum())
        mean = lane_losses(lane, ids.to(model.device), labels.to(model.device), shortest)
        nats += float(mean[0]) * answer_tokens
        tokens += answer_tokens
        on_done(len(batch))
    return nats / tokens
