"""A batch without padding: each lane's examples one after the other, what all begin with once.

Padding is computed like any other token, and so is the chat template's beginning, again for every
example. Here a lane's batch is one row: the tokens that all prompts begin with, then the rest of
each example. Every layer works on tokens alone but attention, which gets the examples apart again:
each with the beginning before it, padded, so any model that transformers runs with ``sdpa`` can
be trained like this. Losses and gradients are those of the padded batch up to rounding.
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
    """Where each token of a batch is computed.

    A *place* counts through the flat batch, [lanes * tokens]; a *cell* through the padded one,
    [lanes * rows * longest].

    Attributes:
        lanes: Lanes in the batch.
        rows: Examples of each lane.
        longest: Tokens of the longest example.
        common: Tokens that all prompts begin with; they stand once, first in each lane.
        ids: Token ids [lanes, tokens]; shorter lanes are filled up.
        positions: Each token's place in its own example, [lanes, tokens].
        cell_of: For each place the cell whose attention it takes.
        place_of: For each cell the place that its token comes from; 0 behind an example's end.
        filling: Places that only fill a lane up.
        unused: Cells whose attention no place takes: behind the end, and the beginning again.
        predicts: Places whose next token is in the loss.
        targets: These tokens.
        lane_of: Their lanes.
    """

    lanes: int
    rows: int
    longest: int
    common: int
    ids: torch.Tensor
    positions: torch.Tensor
    cell_of: torch.Tensor
    place_of: torch.Tensor
    filling: torch.Tensor
    unused: torch.Tensor
    predicts: torch.Tensor
    targets: torch.Tensor
    lane_of: torch.Tensor


def flat_tokens(batch: Sequence[Sequence[Encoded]]) -> tuple[int, int]:
    """Tokens of the longest example, and tokens of the whole batch without padding."""
    examples = [example for mine in batch for example in mine]
    common = common_prefix_length([example.prompt for example in examples])
    width = max(_flat_length(mine, common) for mine in batch)
    return max(len(e.prompt) + len(e.response) for e in examples), width * len(batch)


def lay_out(batch: Sequence[Sequence[Encoded]], pad: int, device: torch.device) -> Layout:
    """Lays a batch out without padding.

    Args:
        batch: Each lane's examples, as many for each.
        pad: Token id to fill lanes up with.
        device: Where the tensors go.
    """
    examples = [example for mine in batch for example in mine]
    longest = max(len(e.prompt) + len(e.response) for e in examples)
    common = common_prefix_length([example.prompt for example in examples])
    lanes, rows = len(batch), len(batch[0])
    width = max(_flat_length(mine, common) for mine in batch)
    ids: list[list[int]] = []
    positions: list[list[int]] = []
    cell_of: list[int] = []
    place_of: list[int] = []
    filling: list[int] = []
    predicts: list[int] = []
    targets: list[int] = []
    lane_of: list[int] = []
    for lane, mine in enumerate(batch):
        start, first = lane * width, lane * rows * longest
        tokens = list(mine[0].prompt[:common])
        places, cells = list(range(common)), list(range(first, first + common))
        for row, example in enumerate(mine):
            whole = (*example.prompt, *example.response)
            here, cell = start + len(tokens), first + row * longest
            own = range(common, len(whole))
            place_of += [*range(start, start + common), *range(here, here + len(own))]
            place_of += [0] * (longest - len(whole))
            answer = range(len(example.prompt), len(whole))
            predicts += [here + position - common - 1 for position in answer]
            targets += example.response
            lane_of += [lane] * len(example.response)
            tokens += whole[common:]
            places += own
            cells += [cell + position for position in own]
        rest = width - len(tokens)
        filling += range(start + len(tokens), start + width)
        ids.append(tokens + [pad] * rest)
        positions.append(places + [0] * rest)
        cell_of += cells + [first] * rest
    taken = set(cell_of)

    def put(values: Sequence[Any]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.long, device=device)

    return Layout(
        lanes,
        rows,
        longest,
        common,
        put(ids),
        put(positions),
        put(cell_of),
        put(place_of),
        put(filling),
        put([cell for cell in range(lanes * rows * longest) if cell not in taken]),
        put(predicts),
        put(targets),
        put(lane_of),
    )


def _flat_length(examples: Sequence[Encoded], common: int) -> int:
    return common + sum(len(e.prompt) + len(e.response) - common for e in examples)


@contextmanager
def flattened(model: PreTrainedModel) -> Iterator[None]:
    """Attention takes flat batches inside the ``with``: forward, and backward where recomputed."""
    before = model.config._attn_implementation
    model.config._attn_implementation = ATTENTION
    try:
        yield
    finally:
        model.config._attn_implementation = before


def hidden_states(model: PreTrainedModel, layout: Layout) -> torch.Tensor:
    """The last hidden states [lanes * tokens, width], within :func:`flattened`."""
    told: torch.Tensor = model.base_model(
        input_ids=layout.ids, position_ids=layout.positions, use_cache=False, layout=layout
    ).last_hidden_state
    return told.flatten(0, 1)


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
    """Attention within each example of a flat batch; see transformers' ``AttentionInterface``.

    Args:
        module: The attention layer.
        query: [lanes, heads, tokens, width of a head].
        key: The same, perhaps with fewer heads.
        value: As the key.
        layout: Which token belongs to which example.
        dropout: As transformers gives it.
        scaling: Of the scores.
        others: What this model's ``sdpa`` takes besides.

    Returns:
        [lanes, tokens, heads, width of a head], and None for the weights.
    """
    apart = (_apart(states, layout) for states in (query, key, value))
    told, _ = sdpa_attention_forward(
        module, *apart, None, dropout=dropout, scaling=scaling, is_causal=True, **others
    )
    heads, width = told.shape[-2:]
    flat: torch.Tensor = _Together.apply(told.reshape(-1, heads * width), layout)  # type: ignore[no-untyped-call]
    return flat.view(layout.lanes, -1, heads, width), None


def _apart(states: torch.Tensor, layout: Layout) -> torch.Tensor:
    """[lanes, heads, tokens, width] to [lanes * rows, heads, longest, width]."""
    _, heads, _, width = states.shape
    flat = states.transpose(1, 2).reshape(-1, heads * width)
    padded: torch.Tensor = _Apart.apply(flat, layout)  # type: ignore[no-untyped-call]
    return padded.view(-1, layout.longest, heads, width).transpose(1, 2)


class _Apart(torch.autograd.Function):
    """Places to cells. Written out, for autograd would add up rows one by one."""

    @staticmethod
    def forward(ctx: Any, flat: torch.Tensor, layout: Layout) -> torch.Tensor:
        """A copy of each example with the beginning before it."""
        ctx.layout = layout
        return flat.index_select(0, layout.place_of)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Each place gets its cell's gradient; the beginning, that of all its copies."""
        layout = ctx.layout
        of_flat = gradient.index_select(0, layout.cell_of)
        of_flat.index_fill_(0, layout.filling, 0.0)
        if layout.common and layout.rows > 1:
            copies = gradient.view(layout.lanes, layout.rows, layout.longest, -1)
            sums = copies[:, :, : layout.common].sum(1)
            of_flat.view(layout.lanes, -1, sums.shape[-1])[:, : layout.common] = sums
        return of_flat, None


class _Together(torch.autograd.Function):
    """Cells to places: the beginning's attention is the same in every copy, so one is taken."""

    @staticmethod
    def forward(ctx: Any, padded: torch.Tensor, layout: Layout) -> torch.Tensor:
        """What each place takes."""
        ctx.layout = layout
        return padded.index_select(0, layout.cell_of)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Cells that no place takes have none."""
        of_padded = gradient.index_select(0, ctx.layout.place_of)
        return of_padded.index_fill_(0, ctx.layout.unused, 0.0), None


AttentionInterface.register(ATTENTION, attend)
