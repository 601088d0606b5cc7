"""Flat batches, which hold no padding, and the tokens that all prompts begin with only once.

In a padded batch, padding costs as much as any other token, and the beginning of the chat template
is computed again for every example. In a flat batch, each lane is one row: the tokens that all
prompts begin with, then the rest of each example. All layers but attention work on single tokens.
Attention gets the examples separated again, each with the common tokens before it, and padded. So
any model that transformers runs with ``sdpa`` attention can be trained on flat batches. Losses and
gradients are those of the padded batch up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.function import once_differentiable
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from mobench.common_prefix import common_prefix_length
from mobench.train.batches import Encoded

ATTENTION = "mobench-flat"
"""The name under which transformers finds :func:`attend`."""


@dataclass(frozen=True)
class Layout:
    """Where each token of a batch is in the flat batch and in the padded one.

    A *place* is an index into the flat batch, [lanes * tokens]; a *slot* is an index into the
    padded batch, [lanes * rows * longest].

    Attributes:
        lanes: Lanes in the batch.
        rows: Examples of each lane.
        longest: Tokens of the longest example.
        common: Number of tokens that all prompts begin with. They come first in each lane, once.
        ids: Token ids [lanes, tokens]; shorter lanes are filled up.
        positions: Each token's position in its own example, [lanes, tokens].
        slot_of: For each place the slot whose attention it takes.
        place_of: For each slot the place of its token; 0 after the end of an example.
        filling: Places that only fill a lane up.
        unused: Slots whose attention no place takes: those after the end of an example, and the
            common tokens of all examples but a lane's first.
        predicts: Places whose next token is in the loss.
        targets: These next tokens.
        lane_of: The lanes of these next tokens.
    """

    lanes: int
    rows: int
    longest: int
    common: int
    ids: torch.Tensor
    positions: torch.Tensor
    slot_of: torch.Tensor
    place_of: torch.Tensor
    filling: torch.Tensor
    unused: torch.Tensor
    predicts: torch.Tensor
    targets: torch.Tensor
    lane_of: torch.Tensor


def flat_tokens(batch: Sequence[Sequence[Encoded]]) -> tuple[int, int]:
    """Returns the tokens of the longest example, and those of the whole flat batch."""
    examples = [example for lane_rows in batch for example in lane_rows]
    common = common_prefix_length([example.prompt for example in examples])
    width = max(_flat_length(lane_rows, common) for lane_rows in batch)
    return max(len(e.prompt) + len(e.response) for e in examples), width * len(batch)


def lay_out(batch: Sequence[Sequence[Encoded]], pad: int, device: torch.device) -> Layout:
    """Lays a batch out without padding.

    Args:
        batch: The examples of each lane, equally many for each.
        pad: Token id to fill lanes up with.
        device: The device of the tensors.
    """
    examples = [example for lane_rows in batch for example in lane_rows]
    longest = max(len(e.prompt) + len(e.response) for e in examples)
    common = common_prefix_length([example.prompt for example in examples])
    lanes, rows = len(batch), len(batch[0])
    width = max(_flat_length(lane_rows, common) for lane_rows in batch)
    ids: list[list[int]] = []
    positions: list[list[int]] = []
    slot_of: list[int] = []
    place_of: list[int] = []
    filling: list[int] = []
    predicts: list[int] = []
    targets: list[int] = []
    lane_of: list[int] = []
    for lane, lane_rows in enumerate(batch):
        # The lane's first place and first slot; the common tokens come first in both.
        start, first = lane * width, lane * rows * longest
        tokens = list(lane_rows[0].prompt[:common])
        lane_positions, slots = list(range(common)), list(range(first, first + common))
        for row, example in enumerate(lane_rows):
            whole = (*example.prompt, *example.response)
            # The first place of the example's own tokens, and its first slot.
            place, slot = start + len(tokens), first + row * longest
            own = range(common, len(whole))
            place_of += [*range(start, start + common), *range(place, place + len(own))]
            place_of += [0] * (longest - len(whole))
            answer = range(len(example.prompt), len(whole))
            predicts += [place + position - common - 1 for position in answer]
            targets += example.response
            lane_of += [lane] * len(example.response)
            tokens += whole[common:]
            lane_positions += own
            slots += [slot + position for position in own]
        rest = width - len(tokens)
        filling += range(start + len(tokens), start + width)
        ids.append(tokens + [pad] * rest)
        positions.append(lane_positions + [0] * rest)
        slot_of += slots + [first] * rest
    taken = set(slot_of)

    def tensor(values: Sequence[Any]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.long, device=device)

    return Layout(
        lanes,
        rows,
        longest,
        common,
        tensor(ids),
        tensor(positions),
        tensor(slot_of),
        tensor(place_of),
        tensor(filling),
        tensor([slot for slot in range(lanes * rows * longest) if slot not in taken]),
        tensor(predicts),
        tensor(targets),
        tensor(lane_of),
    )


def _flat_length(examples: Sequence[Encoded], common: int) -> int:
    """Tokens of a lane in a flat batch, without filling."""
    return common + sum(len(e.prompt) + len(e.response) - common for e in examples)


@contextmanager
def flattened(model: PreTrainedModel) -> Iterator[None]:
    """Makes the model's attention take flat batches inside the context.

    The forward pass belongs inside, and where activations are recomputed the backward pass too.
    """
    previous = model.config._attn_implementation
    model.config._attn_implementation = ATTENTION
    try:
        yield
    finally:
        model.config._attn_implementation = previous


def hidden_states(model: PreTrainedModel, layout: Layout) -> torch.Tensor:
    """Returns the last hidden states [lanes * tokens, width]; call it inside :func:`flattened`."""
    hidden: torch.Tensor = model.base_model(
        input_ids=layout.ids, position_ids=layout.positions, use_cache=False, layout=layout
    ).last_hidden_state
    return hidden.flatten(0, 1)


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _: torch.Tensor | None,
    *,
    layout: Layout,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Computes attention within each example of a flat batch.

    transformers calls it through its ``AttentionInterface``.

    Args:
        module: The attention layer.
        query: [lanes, heads, tokens, width of a head].
        key: Like the query, possibly with fewer heads.
        value: Like the key.
        layout: Which token belongs to which example.
        dropout: The dropout that transformers passes.
        scaling: The factor of the scores.
        others: What transformers passes to ``sdpa`` besides.

    Returns:
        [lanes, tokens, heads, width of a head], and None for the weights.
    """
    separated = (_separate(states, layout) for states in (query, key, value))
    padded, _ = sdpa_attention_forward(
        module, *separated, None, dropout=dropout, scaling=scaling, is_causal=True, **others
    )
    heads, width = padded.shape[-2:]
    flat: torch.Tensor = _Join.apply(padded.reshape(-1, heads * width), layout)  # type: ignore[no-untyped-call]
    return flat.view(layout.lanes, -1, heads, width), None


def _separate(states: torch.Tensor, layout: Layout) -> torch.Tensor:
    """From [lanes, heads, tokens, width] to [lanes * rows, heads, longest, width]."""
    _, heads, _, width = states.shape
    flat = states.transpose(1, 2).reshape(-1, heads * width)
    padded: torch.Tensor = _Separate.apply(flat, layout)  # type: ignore[no-untyped-call]
    return padded.view(-1, layout.longest, heads, width).transpose(1, 2)


class _Separate(torch.autograd.Function):
    """From places to slots. Autograd's own backward pass would add up rows one by one."""

    @staticmethod
    def forward(ctx: Any, flat: torch.Tensor, layout: Layout) -> torch.Tensor:
        """Returns a copy of each example with the common tokens before it."""
        ctx.layout = layout
        return flat.index_select(0, layout.place_of)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Each place gets its slot's gradient, and common tokens get those of all their copies."""
        layout = ctx.layout
        of_flat = gradient.index_select(0, layout.slot_of)
        of_flat.index_fill_(0, layout.filling, 0.0)
        if layout.common and layout.rows > 1:
            copies = gradient.view(layout.lanes, layout.rows, layout.longest, -1)
            sums = copies[:, :, : layout.common].sum(1)
            of_flat.view(layout.lanes, -1, sums.shape[-1])[:, : layout.common] = sums
        return of_flat, None


class _Join(torch.autograd.Function):
    """From slots to places. Attention of the common tokens is the same in every copy."""

    @staticmethod
    def forward(ctx: Any, padded: torch.Tensor, layout: Layout) -> torch.Tensor:
        """Returns what each place takes from its slot."""
        ctx.layout = layout
        return padded.index_select(0, layout.slot_of)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Slots that no place takes have no gradient."""
        of_padded = gradient.index_select(0, ctx.layout.place_of)
        return of_padded.index_fill_(0, ctx.layout.unused, 0.0), None


AttentionInterface.register(ATTENTION, attend)
